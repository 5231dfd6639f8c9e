import { toPipelineError } from '../../../../shared/classify-error.ts';
import { RefusedError } from '../../../../shared/errors.ts';
import type { SourceTable } from '../../../../shared/model/model.ts';
import { isCanceled } from '../../../../shared/postgres/server-error.ts';
import type { BlockRange, NewRows } from '../../../../shared/records/plan/extract-message.ts';
import { aliasesOf, fromClause, newRowsCondition, unmatchedConditions } from '../../source/new-rows.ts';
import { type RelationSize, selectSize } from '../../source/relations.ts';
import type { Statements } from '../../source/statements.ts';
import type { UsableTable } from '../../source/tables.ts';

export interface SliceOptions {
  schema: string;
  /** Heap and TOAST of a slice. */
  sliceBytes: number;
  /** In a table above this a plan does not look for new rows itself: extracts do, in large ranges. */
  probeMaxBytes: number;
  /** Heap and TOAST of such a range. */
  lookBytes: number;
}

export interface SlicedTable {
  /** `locked` where somebody holds the table under an exclusive lock. */
  ranges: (BlockRange | undefined)[] | 'locked';
  /** Heap and TOAST of the table; undefined where that could not be read. */
  bytes: number | undefined;
  /** Of these, what was looked at here, and what the extracts of the ranges will read. */
  readBytes: number;
  /** The ranges are the whole table's: which of them hold new rows, only their extracts know. */
  isLookedAtByExtracts?: true;
}

/**
 * Decides which slices of a table to extract; undefined stands for the whole table.
 *
 * When only new rows are wanted, these are the slices that hold some in a snapshot taken now, later than the plan's
 * xids. Neighbours with a handful each become one.
 *
 * Claim: no other slice is needed. A row that a later snapshot shows and this one does not was written by a transaction
 * that was in progress when the plan asked, or began later: it is new to the next plan. That includes the new
 * version of a row that moved here from another slice. When rows move to another file, the extract drops the bounds
 * (fileNode, which was read before).
 *
 * @param newRows absent for a full extract
 * @throws {TerminalError} the table cannot be read
 */
export async function sliceTable(
  source: Statements,
  { table, relation }: UsableTable,
  newRows: NewRows | undefined,
  { schema, sliceBytes, probeMaxBytes, lookBytes }: SliceOptions,
): Promise<SlicedTable> {
  let size: RelationSize | undefined;
  const sliced = (ranges: (BlockRange | undefined)[], looked: number, known: RelationSize): SlicedTable => ({
    ranges,
    bytes: known.bytes,
    readBytes: looked + bytesOf(ranges, known),
  });
  try {
    size = await selectSize(
      source,
      relation.members.map(({ oid }) => oid),
    );
    if (newRows !== undefined && size.bytes > probeMaxBytes) {
      return { ...sliced(cutBlockRanges(size, lookBytes), 0, size), isLookedAtByExtracts: true };
    }
    const ranges = cutBlockRanges(size, sliceBytes);
    if (newRows === undefined) return sliced(ranges, 0, size);
    const blocksPerRange = probeLength(size, sliceBytes);
    const found = await selectNewBlockRanges(source, table, { schema, newRows, blocksPerRange });
    return sliced(joinSparseRanges(ranges, found, rowsOfSlice(size, sliceBytes)), size.bytes, size);
  } catch (error) {
    const failure = toPipelineError(error, { table: table.name });
    const bytes = size?.bytes;
    if (failure instanceof RefusedError && failure.by === 'lock') {
      return { ranges: 'locked', bytes, readBytes: 0 };
    }
    // Other tables must not wait for a scan that ran into its limit: the whole table is sent.
    if (isCanceled(error)) return { ranges: [undefined], bytes, readBytes: 2 * (bytes ?? 0) };
    throw failure;
  }
}

/** How much of a table lies in these ranges, as if all blocks had the same part of its TOAST. */
function bytesOf(
  ranges: readonly (BlockRange | undefined)[],
  { blocks, bytes }: Pick<RelationSize, 'blocks' | 'bytes'>,
): number {
  const counts = ranges.map((range) => Math.max(0, (range?.to ?? blocks) - (range?.from ?? 0)));
  return blocks === 0 ? 0 : (bytes * counts.reduce((sum, count) => sum + count, 0)) / blocks;
}

/**
 * Cuts a table into ranges of about so many bytes, heap and TOAST: whole blocks, without a gap, and the last one
 * open-ended, because the table may have grown when it is read.
 *
 * @returns one undefined, for the whole table, if it is not cut
 */
export function cutBlockRanges(
  size: Omit<RelationSize, 'rows'>,
  targetBytes: number,
): (BlockRange | undefined)[] {
  const blocksPerRange = chooseBlocksPerRange(size, targetBytes);
  const count = Math.max(1, Math.ceil(size.blocks / blocksPerRange));
  if (count === 1) return [undefined];
  return Array.from({ length: count }, (_, index) => {
    const from = index * blocksPerRange;
    return index === count - 1 ? { from } : { from, to: from + blocksPerRange };
  });
}

/** From this version on Postgres reads a ctid range without reading the rest of the table. */
const firstWithRangeScan = 140_000;

/** Infinity if the table is not cut. */
function chooseBlocksPerRange(
  { blocks, bytes, serverVersion }: Omit<RelationSize, 'rows'>,
  targetBytes: number,
): number {
  if (serverVersion < firstWithRangeScan || bytes <= targetBytes) return Number.POSITIVE_INFINITY;
  return Math.max(1, Math.floor((targetBytes * blocks) / bytes));
}

/** A length above that of the largest table stands for infinity: numeric has infinity only since Postgres 14. */
const probeLength = (size: RelationSize, sliceBytes: number): number =>
  Math.min(chooseBlocksPerRange(size, sliceBytes), 2 ** 32);

/** A block range that holds new rows. */
interface NewRowsOfRange {
  /** 0 for the first range. */
  range: number;
  newRows: number;
}

/**
 * Finds which block ranges of this length hold new rows, and how many, in one scan of the table. The statement
 * runs in a transaction of its own (see newRowsCondition).
 */
async function selectNewBlockRanges(
  source: Statements,
  table: SourceTable,
  scan: { schema: string; newRows: NewRows; blocksPerRange: number },
): Promise<NewRowsOfRange[]> {
  const { rows } = await source.query<{ [K in keyof NewRowsOfRange]: string }>(
    `
    select div((source.ctid::text::point)[0]::numeric, ${scan.blocksPerRange}::numeric)::text as range, count(*)::text as "newRows"
      ${fromClause(scan.schema, table)}
     where ${newRowsCondition(scan.newRows, aliasesOf(table), unmatchedConditions(table))}
     group by 1`,
  );
  return rows
    .map(({ range, newRows }) => ({ range: Number(range), newRows: Number(newRows) }))
    .sort((a, b) => a.range - b.range);
}

/** 0 if the server has no estimate. */
const rowsOfSlice = ({ rows, bytes }: RelationSize, sliceBytes: number): number =>
  bytes === 0 ? 0 : Math.floor((rows * sliceBytes) / bytes);

/** How far apart new rows may lie that are extracted together, in slices: two slices are read by two at once. */
const maxRangesJoined = 8;

/**
 * The ranges to extract where few of a table's rows are new. Those that hold a handful each are joined, along with what
 * lies between them: carrying another slice to the warehouse costs more than reading the blocks in between.
 *
 * @param ranges the whole table's
 * @param found those that hold new rows, in their order
 * @param maxRows of a joined range
 */
export function joinSparseRanges(
  ranges: readonly (BlockRange | undefined)[],
  found: readonly NewRowsOfRange[],
  maxRows: number,
): (BlockRange | undefined)[] {
  const joined: { first: number; last: number; newRows: number }[] = [];
  for (const { range, newRows } of found) {
    // The table may have grown since its size was read: what lies beyond the end belongs to the last range.
    const last = Math.min(range, ranges.length - 1);
    const before = joined.at(-1);
    const fits =
      before !== undefined &&
      (before.last === last ||
        (last - before.first < maxRangesJoined && before.newRows + newRows <= maxRows));
    if (fits) Object.assign(before, { last, newRows: before.newRows + newRows });
    else joined.push({ first: last, last, newRows });
  }
  return joined.map(({ first, last }) => {
    const [from, end] = [ranges[first], ranges[last]];
    if (from === undefined || end === undefined) return undefined;
    return end.to === undefined ? { from: from.from } : { from: from.from, to: end.to };
  });
}
