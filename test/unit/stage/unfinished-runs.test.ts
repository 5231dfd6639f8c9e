import { describe, expect, it } from '@jest/globals';
import { listFollowedSlices, readGeneration } from '../../../cli/site/stage/follow-slices.ts';

const now = new Date('2026-11-25T00:10:00.000Z');
const own = '20261125T001000000Zaaaa';
const recent = '20261124T235959999Zbbbb';

function storeOf(objects: Record<string, unknown>) {
  return {
    async *list(prefix: string) {
      for (const key of Object.keys(objects).toSorted())
        if (key.startsWith(prefix)) yield { key, size: 1, lastModified: now };
    },
    get: async (key: string) =>
      key in objects
        ? { body: Buffer.from(JSON.stringify(objects[key])), metadata: {}, etag: '' }
        : undefined,
  };
}

const recordOf = (generation: string, table: string) => ({ generation, slices: [{ slice: '0000', table }] });
const planned = {
  run: own,
  generation: '7',
  failures: [],
  warnings: [],
  slices: [{ slice: '0000', table: 'design' }],
};

describe('the slices that a run follows', () => {
  it('are its own, and those of the runs of the hour before it', async () => {
    const store = storeOf({
      [`state/runs/${own}.json`]: recordOf('7', 'design'),
      [`state/runs/${recent}.json`]: { ...recordOf('7', 'staff'), run: recent },
      'state/runs/20261124T230959999Zcccc.json': recordOf('7', 'too old'),
      'state/runs/20261125T000900000Zdddd.json': recordOf('6', 'captured anew since'),
      'state/runs/20261125T001000001Zeeee.json': recordOf('7', 'planned after it'),
    });
    expect(await listFollowedSlices(store, planned)).toEqual([
      { run: own, slice: '0000', table: 'design' },
      { run: recent, slice: '0000', table: 'staff' },
    ]);
  });

  it('are of the generation that the state names', async () => {
    expect(await readGeneration(storeOf({ 'state/capture.json': { generation: '1764028800' } }))).toBe(
      1764028800n,
    );
    expect(await readGeneration(storeOf({}))).toBe(0n);
  });
});
