import type { BlockRange } from '../../shared/queue/extract-message.ts';
import type { NewRowsOfRange } from './sql/select-new-block-ranges.ts';
import type { RelationSize } from './sql/select-size.ts';

/** From here on Postgres reads a ctid range without reading the rest of the table. */
const firstWithRangeScan = 140_000;

/**
 * Cuts a table into ranges of about so many bytes, heap and TOAST: whole blocks, without a gap, and the last one
 * open-ended, for the table may have grown when it is read.
 *
 * @returns one undefined, the whole table, where it is not cut
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

/** Infinity where the table is not cut. */
export function chooseBlocksPerRange(
  { blocks, bytes, serverVersion }: Omit<RelationSize, 'rows'>,
  targetBytes: number,
): number {
  if (serverVersion < firstWithRangeScan || bytes <= targetBytes) return Number.POSITIVE_INFINITY;
  return Math.max(1, Math.floor((targetBytes * blocks) / bytes));
}

/** How far apart new rows may lie that are extracted together, in slices: two slices are read by two at once. */
const maxRangesJoined = 8;

/**
 * The ranges to extract where few of a table's rows are new. Those that hold a handful each are joined, with what lies
 * between them: what a slice costs on its way to the warehouse, some 0.2 s, is more than to read its blocks.
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
    // The table may have grown since its size was read: what lies behind the end is in the last range.
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

/**
 * Cuts a range in two.
 *
 * @param tableBlocks where an open end is now
 * @returns undefined for a single block, which cannot be cut
 */
export function halveBlockRange(
  range: BlockRange | undefined,
  tableBlocks: number,
): [BlockRange, BlockRange] | undefined {
  const from = range?.from ?? 0;
  const end = range?.to ?? tableBlocks;
  if (end - from < 2) return undefined;
  const middle = from + Math.floor((end - from) / 2);
  return [{ from, to: middle }, range?.to === undefined ? { from: middle } : { from: middle, to: range.to }];
}
