import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { halveBlockRange } from '../../../services/ingestion/extract/copy-rows.ts';
import { cutBlockRanges, joinSparseRanges } from '../../../services/ingestion/plan/look/slice-table.ts';
import type { BlockRange } from '../../../shared/records/plan/extract-message.ts';

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

  it('joined hold every block of those that were found, once, and no more new rows than a slice has', () => {
    const counts = fc.array(fc.option(fc.integer({ min: 1, max: 400 }), { nil: 0 }), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(counts, fc.nat(1000), fc.nat(450), (newRows, maxRows, block) => {
        const ranges = cutBlockRanges(
          { blocks: newRows.length * 10, bytes: newRows.length * 10, serverVersion },
          10,
        );
        const found = newRows.flatMap((count, range) => (count === 0 ? [] : [{ range, newRows: count }]));
        const joined = joinSparseRanges(ranges, found, maxRows);
        const isFound = found.some(({ range }) => isIn(ranges[range], block));
        const holding = joined.filter((range) => isIn(range, block));
        expect(holding.length).toBeGreaterThanOrEqual(isFound ? 1 : 0);
        expect(holding.length).toBeLessThanOrEqual(1);
        for (const range of joined) {
          const within = found.filter((one) => isIn(range, ranges[one.range]?.from ?? 0));
          expect(within.length === 1 || within.reduce((sum, one) => sum + one.newRows, 0) <= maxRows).toBe(
            true,
          );
        }
      }),
    );
  });

  it.each([
    ['next to one another', [1, 2], [{ from: 10, to: 30 }]],
    ['up to the end', [1, 9], [{ from: 10, to: 20 }, { from: 90 }]],
    ['seven slices apart', [0, 7], [{ from: 0, to: 80 }]],
    [
      'eight slices apart',
      [0, 8],
      [
        { from: 0, to: 10 },
        { from: 80, to: 90 },
      ],
    ],
    ['behind the end, into which the table has grown', [9, 10, 12], [{ from: 90 }]],
  ])('with few new rows %s are joined: %j', (_where, found, expected) => {
    const ranges = cutBlockRanges({ blocks: 100, bytes: 100, serverVersion }, 10);
    const few = found.map((range) => ({ range, newRows: 1 }));
    expect(joinSparseRanges(ranges, few, 100)).toEqual(expected);
  });

  it('are not joined where the server does not know how many rows a slice has', () => {
    const ranges = cutBlockRanges({ blocks: 100, bytes: 100, serverVersion }, 10);
    const found = [
      { range: 0, newRows: 1 },
      { range: 1, newRows: 1 },
    ];
    expect(joinSparseRanges(ranges, found, 0)).toEqual([
      { from: 0, to: 10 },
      { from: 10, to: 20 },
    ]);
    expect(joinSparseRanges([undefined], [{ range: 0, newRows: 1 }], 0)).toEqual([undefined]);
  });
});
