import { expect, it } from '@jest/globals';
import { addReads, type SourceReads } from '../../../shared/records/plan/source-reads.ts';

const read = (bytes: number, seconds: number) => new Map([['item', { bytes, seconds }]]);

it('what plans read is added up by day (UTC) and table, and two days are kept', () => {
  let reads: SourceReads | undefined;
  for (const [time, bytes] of [
    ['2026-03-01T10:00:00Z', 1],
    ['2026-03-02T23:59:59Z', 10],
    ['2026-03-03T00:00:00Z', 100],
    ['2026-03-03T00:00:01Z', 1000.4],
  ] as const) {
    reads = addReads(reads, read(bytes, 0.5), new Date(time));
  }
  expect(reads).toEqual([
    { day: '2026-03-03', tables: { item: { looks: 2, bytes: 1100, seconds: 1 } } },
    { day: '2026-03-02', tables: { item: { looks: 1, bytes: 10, seconds: 0.5 } } },
  ]);
  expect(addReads(reads, new Map(), new Date('2026-03-03T00:00:02Z'))).toEqual(reads);
});
