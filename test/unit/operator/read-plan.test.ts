import { describe, expect, it } from '@jest/globals';
import { readLastPlan } from '../../../cli/status/evidence/read-plan.ts';
import { timeOfRun } from '../../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';

describe('the records of plans', () => {
  const storeOf = (objects: Record<string, unknown>) =>
    ({
      get: async (key: string) =>
        key in objects
          ? { body: Buffer.from(JSON.stringify(objects[key])), metadata: {}, etag: '' }
          : undefined,
      list: async function* (prefix: string, after = '') {
        const keys = Object.keys(objects).filter((each) => each.startsWith(prefix) && each > after);
        for (const key of keys) {
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
        lastRun: {
          run: '20250102T000000000Z0002',
          plannedAt: '2025-01-02T00:00:00.000Z',
          slices: 2,
          warnings: ['a column'],
        },
      });
    }
  });

  it('tell the last look for deletes of each table, in which generation', async () => {
    const looksOf = async (state: object) =>
      (await readLastPlan(storeOf({ 'state/capture.json': state }), new Date('2026-03-05T12:00:00Z'))).looks;
    const last = { run: '20260305T110000000Z0003', slice: '0000' };
    expect(await looksOf({ generation: '7', tables: {}, censuses: { staff: { last }, design: {} } })).toEqual(
      {
        generation: '7',
        lastRuns: new Map([['staff', last.run]]),
      },
    );
    // One that was under way when the generation began.
    const censuses = { staff: { before: last.run } };
    expect((await looksOf({ generation: '7', tables: {}, censuses }))?.lastRuns.get('staff')).toBe(last.run);
    expect(await looksOf({ generation: '7', tables: {} })).toEqual({ generation: '7', lastRuns: new Map() });
    expect(await looksOf({})).toBeUndefined();
  });

  it('tell the last run that the state names, or a later one, and when that was by the clock of its time', async () => {
    const ahead = '20270101T000000000Z0001';
    const next = '20270101T000000001Z0002';
    const objects = {
      'state/capture.json': { tables: {}, lastRun: ahead },
      'state/runs/20260305T110000000Z0003.json': { slices: [], warnings: [] },
      [`state/runs/${ahead}.json`]: { slices: [1], warnings: [], plannedAt: '2027-01-01T00:00:00.000Z' },
    };
    const now = new Date('2026-03-05T12:00:00Z');
    expect((await readLastPlan(storeOf(objects), now)).lastRun?.run).toBe(ahead);
    const plannedAt = '2026-03-05T11:59:00.000Z';
    const broken = { ...objects, [`state/runs/${next}.json`]: { slices: [1, 2], warnings: [], plannedAt } };
    expect((await readLastPlan(storeOf(broken), now)).lastRun).toEqual({
      run: next,
      plannedAt,
      slices: 2,
      warnings: [],
    });
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
