import { describe, expect, it } from '@jest/globals';
import { readLastPlan, timeOfRun } from '../../../cli/status/evidence/read-plan.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';

describe('the records of plans', () => {
  const storeOf = (objects: Record<string, unknown>) =>
    ({
      get: async (key: string) =>
        key in objects
          ? { body: Buffer.from(JSON.stringify(objects[key])), metadata: {}, etag: '' }
          : undefined,
      list: async function* (prefix: string) {
        for (const key of Object.keys(objects).filter((each) => each.startsWith(prefix))) {
          yield { key, size: 1, lastModified: new Date('2026-03-05T10:00:00Z') };
        }
      },
    }) as unknown as Pick<ObjectStore, 'get' | 'list'>;

  it('tell the last run, however long ago it was, its warnings and the tables that fail', async () => {
    const objects = {
      'state/capture.json': { tables: { staff: { fingerprint: 'f' }, design: { failed: 'no such table' } } },
      'state/runs/20250101T000000000Z0001.json': { slices: [1], warnings: [] },
      'state/runs/20250102T000000000Z0002.json': { slices: [1, 2], warnings: ['a column'] },
    };
    for (const now of ['2025-01-02T00:30:00Z', '2025-01-05T00:00:00Z', '2026-03-05T12:00:00Z']) {
      expect(await readLastPlan(storeOf(objects), new Date(now))).toEqual({
        failing: new Map([['design', 'no such table']]),
        lastRun: { run: '20250102T000000000Z0002', slices: 2, warnings: ['a column'] },
      });
    }
  });

  it('are empty before the first plan', async () => {
    expect(await readLastPlan(storeOf({}), new Date())).toEqual({
      failing: new Map(),
      lastRun: undefined,
    });
  });

  it('carry the time of their plan in the id of the run', () => {
    expect(timeOfRun('20260305T174209123Zab12').toISOString()).toBe('2026-03-05T17:42:09.123Z');
  });
});
