import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cutBlockRanges, halveBlockRange } from '../../../services/ingestion/block-ranges.ts';
import type { BlockRange } from '../../../shared/queue/extract-message.ts';

const serverVersion = 150004;
const isIn = (range: BlockRange | undefined, block: number) =>
  range === undefined || (block >= range.from && block < (range.to ?? Number.POSITIVE_INFINITY));

const sizes = fc.record({
  blocks: fc.integer({ min: 0, max: 5_000 }),
  bytesPerBlock: fc.integer({ min: 1, max: 100_000 }),
});

describe('block ranges', () => {
  it('hold every block of the table in exactly one range, and those by which it grows', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 1_000_000 }), fc.nat(10_000), (size, target, block) => {
        const { blocks, bytesPerBlock } = size;
        const ranges = cutBlockRanges({ blocks, bytes: blocks * bytesPerBlock, serverVersion }, target);
        expect(ranges.filter((range) => isIn(range, block))).toHaveLength(1);
      }),
    );
  });

  it.each([
    // A gigabyte in 8 kB blocks, in slices of 8 MiB, half of it in TOAST.
    [{ blocks: 65_536, bytes: 2 ** 30 }, 128, { from: 0, to: 512 }],
    [{ blocks: 131_072, bytes: 2 ** 30 }, 128, { from: 0, to: 1024 }],
    [{ blocks: 1024, bytes: 2 ** 23 }, 1, undefined],
    [{ blocks: 0, bytes: 0 }, 1, undefined],
    // More than a slice in every block: a block is the smallest.
    [{ blocks: 3, bytes: 2 ** 30 }, 3, { from: 0, to: 1 }],
  ])('of %j are %i', (size, count, first) => {
    const ranges = cutBlockRanges({ ...size, serverVersion }, 8 * 2 ** 20);
    expect(ranges).toHaveLength(count);
    expect(ranges[0]).toEqual(first);
  });

  it('are none below Postgres 14, which would read the whole table for each', () => {
    const size = { blocks: 131_072, bytes: 2 ** 30, serverVersion: 130_014 };
    expect(cutBlockRanges(size, 2 ** 23)).toEqual([undefined]);
  });

  it('in halves hold each block of the whole once, and no other', () => {
    const ranges = fc.option(
      fc.tuple(fc.nat(1000), fc.option(fc.integer({ min: 1, max: 1000 }), { nil: undefined })),
      { nil: undefined },
    );
    fc.assert(
      fc.property(ranges, fc.nat(2000), fc.nat(3000), (parts, tableBlocks, block) => {
        const whole = parts && {
          from: parts[0],
          ...(parts[1] === undefined ? {} : { to: parts[0] + parts[1] }),
        };
        const halves = halveBlockRange(whole, tableBlocks);
        if (halves === undefined) return;
        expect(halves.filter((half) => isIn(half, block))).toHaveLength(isIn(whole, block) ? 1 : 0);
      }),
    );
  });

  it('of one block have no halves', () => {
    expect(halveBlockRange({ from: 4, to: 5 }, 100)).toBeUndefined();
    expect(halveBlockRange(undefined, 1)).toBeUndefined();
    expect(halveBlockRange({ from: 7 }, 8)).toBeUndefined();
    expect(halveBlockRange({ from: 7 }, 5)).toBeUndefined();
    expect(halveBlockRange(undefined, 2)).toEqual([{ from: 0, to: 1 }, { from: 1 }]);
  });
});
