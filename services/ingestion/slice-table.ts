import { toPipelineError } from '../../shared/classify-error.ts';
import { TerminalError } from '../../shared/errors.ts';
import type { BlockRange, NewRows } from '../../shared/queue/extract-message.ts';
import { chooseBlocksPerRange, cutBlockRanges, joinSparseRanges } from './block-ranges.ts';
import type { UsableTable } from './source-tables.ts';
import type { Statements } from './sql/plan-statements.ts';
import { selectNewBlockRanges } from './sql/select-new-block-ranges.ts';
import { type RelationSize, selectSize } from './sql/select-size.ts';

export interface SliceOptions {
  schema: string;
  /** Heap and TOAST of a slice. */
  sliceBytes: number;
  /** A table above this is not scanned for new rows: all its slices are sent. */
  probeMaxBytes: number;
}

/**
 * Decides which slices of a table to extract; undefined stands for the whole table.
 *
 * Of new rows, only the slices that hold some in a snapshot of now, which is later than the plan's xids; several that
 * hold a handful as one. Claim:
 * no other slice is needed. A row that a later snapshot shows and this one does not was written by a transaction
 * that was in progress when the plan asked, or began later: it is new to the next plan. That includes the new
 * version of a row that moved here from another slice; and rows that move to another file take all bounds along
 * (fileNode, which was read before).
 *
 * @param newRows absent for a full extract
 * @throws {TerminalError} the table cannot be read
 */
export async function sliceTable(
  source: Statements,
  { table, relation }: UsableTable,
  newRows: NewRows | undefined,
  options: SliceOptions,
): Promise<(BlockRange | undefined)[]> {
  try {
    const size = await selectSize(
      source,
      relation.members.map(({ oid }) => oid),
    );
    const ranges = cutBlockRanges(size, options.sliceBytes);
    if (newRows === undefined || size.bytes > options.probeMaxBytes) return ranges;
    const blocksPerRange = probeLength(size, options.sliceBytes);
    const found = await selectNewBlockRanges(source, table, { ...options, newRows, blocksPerRange });
    return joinSparseRanges(ranges, found, rowsOfSlice(size, options.sliceBytes));
  } catch (error) {
    const failure = toPipelineError(error, { table: table.name });
    if (failure instanceof TerminalError) throw failure;
    if (isLocked(error)) return [undefined];
    throw failure;
  }
}

/** 0 where the server does not know. */
const rowsOfSlice = ({ rows, bytes }: RelationSize, sliceBytes: number): number =>
  bytes === 0 ? 0 : Math.floor((rows * sliceBytes) / bytes);

/** Any length above that of the largest table stands for infinity, which numeric has only since Postgres 14. */
const probeLength = (size: RelationSize, sliceBytes: number): number =>
  Math.min(chooseBlocksPerRange(size, sliceBytes), 2 ** 32);

/**
 * Somebody holds the table under an exclusive lock, or a scan takes too long. The other tables are not kept
 * waiting: its extract waits, in the queue.
 */
const isLocked = (error: unknown): boolean =>
  ['55P03', '57014'].includes(String((error as { code?: unknown }).code));
