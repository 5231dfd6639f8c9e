import { beforeEach, describe, expect, it } from '@jest/globals';
import type { PlanDeps } from '../../../../services/ingestion/plan/plan-run.ts';
import { resendExpiredSlices } from '../../../../services/ingestion/sweep/lost-slices.ts';
import { readCaptureState } from '../../../../shared/records/plan/capture-state.ts';
import { findEmptySlices } from '../../../../shared/records/plan/empty-slices.ts';
import { startTemporaryPostgres } from '../../../helpers/postgres/temporary-postgres.ts';
import type { CaptureBench } from '../capture-bench.ts';
import { benchInEachTest } from '../each-bench.ts';
import { countRows, ingestedObjects } from '../ingested-rows.ts';
import { shopModel } from '../shop-model.ts';
import { quietOptions, reasons, reported } from './quiet-plans.ts';

/** Ranges of four blocks, of a table that is too large for a plan to look at. */
const lookBytes = 4 * 8192;
const large = {
  ...quietOptions,
  probeMaxBytes: 0,
  lookBytes,
  sliceBytes: lookBytes,
} satisfies Partial<PlanDeps>;

describe('a table that is too large for a plan to look at', () => {
  let bench: CaptureBench;
  benchInEachTest(
    () => startTemporaryPostgres({ settings: { autovacuum: 'off' } }),
    (made) => {
      bench = made;
    },
  );
  beforeEach(async () => {
    await reported(
      bench.source,
      `insert into item select n, repeat('x', 700), 0 from generate_series(1, 400) n`,
    );
    await bench.plan(large);
    await bench.extractAll();
  });

  const at = (seconds: number) => ({ ...large, now: () => new Date(Date.now() + 1000 * seconds) });
  const marks = () => [...bench.store.objects.keys()].filter((key) => key.startsWith('state/empty/'));
  const update = (id: number) =>
    reported(bench.source, `update item set price = price + 1 where item_id = ${id}`);
  /** A plan that looks at items alone. */
  const planItems = async (options: Partial<PlanDeps> = at(600)) => {
    const planned = await bench.plan(options);
    const slices = planned.slices.filter(({ table }) => table === 'item');
    bench.queue.splice(0, bench.queue.length, ...bench.queue.filter(({ table }) => table === 'item'));
    return { ...planned, slices };
  };

  it('is looked at and copied in one read; of ranges without news no object is put, but a note', async () => {
    const objects = ingestedObjects(bench.store, 'item').length;
    await update(5);
    const { run, slices } = await planItems();
    expect(slices.length).toBeGreaterThan(5);
    const outcomes = await bench.extractAll();
    // An update may put the new version into the last range.
    const found = outcomes.filter(({ outcome }) => outcome === 'ingested').length;
    expect([1, 2]).toContain(found);
    expect(outcomes.filter(({ outcome }) => outcome === 'nothing new')).toHaveLength(slices.length - found);
    expect(marks()).toHaveLength(slices.length - found);
    expect(marks().every((key) => key.startsWith(`state/empty/${run}/`))).toBe(true);
    expect(ingestedObjects(bench.store, 'item')).toHaveLength(objects + found);
    await bench.expectExact('item');
  });

  it('is counted with what its looks and its extracts read: all of it once, and nothing while it is quiet', async () => {
    const reads = async () => (await readCaptureState(bench.store))?.state.reads?.[0]?.tables.item;
    const sizeNow = async () => {
      const { rows } = await bench.source.query<{ bytes: string }>(`select pg_table_size('item') as bytes`);
      return Number(rows[0]?.bytes);
    };
    const first = await sizeNow();
    const full = await reads();
    expect(full).toMatchObject({ looks: 1, bytes: first });
    // At the same time, so on the same day.
    const same = { ...large, quiet: { ...quietOptions.quiet, maxAgeSeconds: 7200 } };
    await bench.plan(same);
    expect(await reads()).toEqual(full);
    await update(5);
    await bench.plan(same);
    const second = await sizeNow();
    expect(await reads()).toMatchObject({ looks: 2, bytes: first + second });
    await bench.extractAll();
    await update(6);
    // One that the plan looks at is read twice where rows are found: its range is extracted.
    await bench.plan({ ...same, probeMaxBytes: 1e9 });
    const probed = Number((await reads())?.bytes) - first - second;
    expect(probed).toBeGreaterThan(second);
    expect(probed).toBeLessThan(1.5 * second);
  });

  it('has an object of no rows where all of it was to be read', async () => {
    await bench.source.query('truncate item');
    await bench.source.query('alter table item add column size int default 1');
    await planItems();
    expect((await bench.extractAll()).map(({ outcome, rows }) => [outcome, rows])).toEqual([['ingested', 0]]);
    expect(marks()).toEqual([]);
  });

  it('has its slices followed to their end: an object beats a note, whichever comes first', async () => {
    await update(5);
    const { slices, run } = await planItems();
    const messages = bench.queue.splice(0);
    const last = messages.at(-1);
    if (last === undefined) throw new Error('no message');
    const followed = slices.map(({ slice, table }) => ({ run, slice, table }));
    const isEmpty = async (slice: string) =>
      (await findEmptySlices(bench.store, followed)).has('item', { run, slice });
    await bench.source.query('delete from item where item_id = 5');
    expect((await bench.extract(last)).outcome).toBe('nothing new');
    expect(await isEmpty(last.slice)).toBe(true);
    await bench.source.query(
      `insert into item select n, repeat('y', 700) from generate_series(1000, 1040) n`,
    );
    expect((await bench.extract(last)).outcome).toBe('ingested');
    expect(await isEmpty(last.slice)).toBe(false);

    const [other] = messages.slice(0, -1);
    if (other === undefined) throw new Error('no message');
    await bench.source.query(`update item set price = 9 where item_id = 1`);
    const outcome = (await bench.extract(other)).outcome;
    await bench.source.query('delete from item where item_id < 60');
    expect((await bench.extract(other)).outcome).toBe(outcome === 'ingested' ? 'already ingested' : outcome);
    expect(await isEmpty(other.slice)).toBe(outcome !== 'ingested');
  });

  it('is looked at in halves where a range holds too much, and each of them has an object or a note', async () => {
    await reported(bench.source, `update item set price = 7 where item_id <= 3`);
    const { slices, run } = await planItems({ ...at(600), lookBytes: 1e9 });
    expect(slices).toHaveLength(1);
    const outcomes = await bench.extractAll({ maxCopyBytes: 1000 });
    expect(outcomes.filter(({ outcome }) => outcome === 'split').length).toBeGreaterThan(0);
    expect(outcomes.filter(({ outcome }) => outcome === 'nothing new').length).toBeGreaterThan(0);
    await bench.expectExact('item');
    // Nothing of it counts as lost.
    expect(await sweepIn(5)).toEqual([]);
    expect(marks().every((key) => key.includes(`${run}/0000.`))).toBe(true);
  });

  /** The sweep, as if so many days had passed. */
  const sweepIn = (days: number) =>
    resendExpiredSlices({
      ingested: bench.store,
      countQueued: async () => 0,
      send: async (messages) => void bench.queue.push(...messages),
      model: shopModel,
      now: () => new Date(Date.now() + days * 86_400_000),
    });

  it('whose message was lost is sent again, and no range that is noted', async () => {
    await update(5);
    const { run } = await planItems();
    const lost = bench.queue.splice(0, 1);
    await bench.extractAll();
    await bench.plan({ ...at(1200), isExact: true });
    bench.queue.splice(0);
    expect(await sweepIn(5)).toContain(`${run}-${lost[0]?.slice}`);
    expect((await sweepIn(5)).filter((name) => name.startsWith(run))).toEqual([]);
    expect(bench.queue.filter((message) => message.run === run).map(({ slice }) => slice)).toEqual([
      lost[0]?.slice,
    ]);
  });

  it('is left out while its last look is under way, and loses nothing by it', async () => {
    await update(5);
    await planItems();
    const sent = bench.queue.splice(0);
    await update(6);
    const next = await bench.plan(at(601));
    expect(reasons(next).item).toBe('in flight');
    bench.queue.push(...sent);
    await bench.extractAll();
    await update(7);
    // Look at 600 s by the plan's clock, and over by the bucket's clock before that.
    expect(reasons(await planItems(at(1200))).item).toBe('written to');
    await bench.extractAll();
    await bench.expectExact('item');
  });

  it('is looked at again where the messages of a look were lost for a day', async () => {
    await update(5);
    await planItems();
    bench.queue.splice(0);
    expect(reasons(await bench.plan(at(600 + 86_300))).item).toBe('in flight');
    await update(6);
    expect(reasons(await planItems(at(600 + 86_500))).item).toBe('written to');
    await bench.extractAll();
    // What was lost is for the sweep.
    await sweepIn(10);
    await bench.extractAll();
    await bench.expectExact('item');
  });

  it('rests for ten times as long as its last look took, unless it is asked for', async () => {
    await update(5);
    // Two hundred seconds before the extracts put what they find.
    await planItems(at(-200));
    await bench.extractAll();
    await update(6);
    const resting = (seconds: number) => ({
      ...at(seconds),
      quiet: { ...quietOptions.quiet, restFactor: 10 },
    });
    expect(reasons(await bench.plan(resting(0))).item).toBe('resting');
    expect(reasons(await bench.plan(resting(1700))).item).toBe('resting');
    expect(reasons(await planItems({ ...resting(1701), isExact: true })).item).toBe('asked for');
    await bench.extractAll();
    await bench.expectExact('item');
    expect(countRows(bench.store, 'item')).toBeGreaterThan(400);
  });
});
