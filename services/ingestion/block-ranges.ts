import type { BlockRange } from '../../shared/queue/extract-message.ts';
import type { RelationSize } from './sql/select-size.ts';

/** From here on Postgres reads a ctid range without reading the rest of the table. */
const firstWithRangeScan = 140_000;

/**
 * Cuts a table into ranges of about so many bytes, heap and TOAST: whole blocks, without a gap, and the last one
 * open-ended, for the table may have grown when it is read.
 *
 * @returns one undefined, the whole table, where it is not cut
 */
export function cutBlockRanges(size: RelationSize, targetBytes: number): (BlockRange | undefined)[] {
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
  { blocks, bytes, serverVersion }: RelationSize,
  targetBytes: number,
): number {
  if (serverVersion < firstWithRangeScan || bytes <= targetBytes) return Number.POSITIVE_INFINITY;
  return Math.max(1, Math.floor((targetBytes * blocks) / bytes));
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
