import { describe, expect, it } from '@jest/globals';
import { makeRunRecordReader } from '../../../services/loading/initial-load/initial-load.ts';
import { formatRunId, formatRunKey } from '../../../shared/object-store/object-key.ts';
import type { RunRecord } from '../../../shared/records/plan/run-record.ts';

const [first, second] = [1, 2].map((minute) =>
  formatRunId(new Date(Date.UTC(2024, 1, 29, 12, minute)), 'abcd'),
);
const recordOf = (run = ''): RunRecord => ({
  version: 1,
  run,
  generation: '1',
  plannedAt: '2024-02-29T12:00:00.000Z',
  failures: [],
  warnings: [],
  slices: [{ slice: '0000', table: 'sales_order', full: true }],
});

describe('the reader of a run’s record', () => {
  const records = new Map<string, RunRecord>();
  const asked: string[] = [];
  const read = makeRunRecordReader({
    get: async (key) => {
      asked.push(key);
      const record = records.get(key);
      return record && { body: Buffer.from(JSON.stringify(record)), metadata: {}, etag: '' };
    },
  });

  it('asks for it until it is there, and then once as long as no other run comes between', async () => {
    if (first === undefined || second === undefined) throw new Error('there are two runs');
    expect(await read(first)).toBeUndefined();
    for (const run of [first, second]) records.set(formatRunKey(run), recordOf(run));
    const found = [await read(first), await read(first), await read(second), await read(first)];
    expect(found).toEqual([first, first, second, first].map(recordOf));
    expect(asked).toEqual([first, first, second, first].map(formatRunKey));
  });
});
