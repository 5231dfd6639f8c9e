import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { selectCensuses } from '../../../shared/ledger/censuses.ts';
import { type ProcessedKey, parseObjectKey } from '../../../shared/object-store/object-key.ts';
import type { CensusMetadata } from '../../../shared/object-store/object-metadata.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { runOf } from '../../helpers/small-warehouse/parquet-objects.ts';
import { smallModel } from '../../helpers/small-warehouse/small-model.ts';
import { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';

describe('a census, whole or in parts', () => {
  let server: PostgresServer;
  let warehouse: WarehouseUnderTest;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    warehouse = await WarehouseUnderTest.make(await server.createDatabase(`parts_${Date.now()}`), smallModel);
  });
  afterEach(() => warehouse.end());

  const colours = (...ids: number[]) => ids.map((id) => ({ colour_id: String(id), name: 'red' }));
  const load = (ids: number[], xmax: number) =>
    warehouse.putAndLoad('dim_colour', { rows: colours(...ids), xmax });
  /** @param run of the census' first part, by its xmax */
  const apply = async (
    ids: number[],
    xmax: number,
    { run = xmax, slice, ...census }: Partial<CensusMetadata> & { run?: number; slice: string },
  ) => {
    const { census: applied } = await warehouse.putAndLoad('dim_colour', {
      rows: ids.map((id) => ({ colour_id: String(id) })),
      xmax,
      run: runOf(run),
      slice,
      census: { seconds: 0, previous: 'a run', ...census },
    });
    return applied;
  };
  const lower = { slice: '0000.0', to: ['10'] };
  const upper = { slice: '0000.1', from: ['10'] };
  const deleted = async () =>
    (await warehouse.ask('select colour_id from dim_colour where _deleted_by is not null order by 1')).map(
      ({ colour_id }) => Number(colour_id),
    );
  const due = () =>
    warehouse.ask(
      'select o.key from starlift.census join starlift.object o using (object_id) where due_since is not null order by 1',
    );
  const runs = async () =>
    (
      await warehouse.ask(
        'select distinct o.snapshot_xmax as xmax from starlift.census join starlift.object o using (object_id) order by 1',
      )
    ).map(({ xmax }) => Number(xmax));

  it('decides together with the others of its run, where an older whole one came in between', async () => {
    await load([1, 11], 30);
    await apply([1], 60, { run: 60, ...lower });
    await apply([1, 11], 50, { slice: '0000' });
    await apply([], 60, { run: 60, ...upper });
    expect(await runs()).toEqual([60]);
    expect(await deleted()).toEqual([11]);
    // It is too old to decide anything.
    expect(await apply([1, 11], 40, { slice: '0000' })).toMatchObject({ state: 'covered' });
    expect(await deleted()).toEqual([11]);
  });

  it('marks the rows of its range alone', async () => {
    await load([1, 2, 11, 12], 50);
    await apply([1], 60, lower);
    expect(await deleted()).toEqual([2]);
    await apply([12], 70, { ...upper, run: 60 });
    expect(await deleted()).toEqual([2, 11]);
  });

  it('is due with all of its parts where a row comes in late', async () => {
    await apply([1], 60, lower);
    await apply([12], 70, { ...upper, run: 60 });
    await load([1, 2, 11, 12], 50);
    const keys = await due();
    expect(keys.length).toBe(2);
    for (const { key } of keys)
      await warehouse.load(parseObjectKey(String(key)) as ProcessedKey, { replay: 'due' });
    expect(await deleted()).toEqual([2, 11]);
    expect(await due()).toEqual([]);
  });

  it('is decided for by a newer part where that has read, and by the older one elsewhere', async () => {
    await load([1, 2, 11, 12], 50);
    await apply([1, 2, 11], 60, { slice: '0000' });
    expect(await deleted()).toEqual([12]);
    await apply([2], 70, lower);
    expect(await deleted()).toEqual([1, 12]);
    // Applied once more, the older one changes nothing where the newer one has read.
    await load([3, 13], 55);
    for (const { key } of await due())
      await warehouse.load(parseObjectKey(String(key)) as ProcessedKey, { replay: 'due' });
    expect(await deleted()).toEqual([1, 3, 12, 13]);
    expect(await runs()).toEqual([60, 70]);
  });

  it('makes up for what is older once its parts cover all keys, and not before', async () => {
    await load([1, 11], 50);
    await apply([1, 11], 60, { slice: '0000' });
    await apply([1], 70, { ...lower, slice: '0000.0' });
    expect(await runs()).toEqual([60, 70]);
    // Read before the upper part, and not by the same census.
    await apply([], 75, { slice: '0000.1.0', from: ['10'], to: ['20'] });
    expect(await runs()).toEqual([60, 70, 75]);
    await apply([], 80, { slice: '0000.1', from: ['10'], run: 70 });
    expect(await runs()).toEqual([70, 75, 80]);
    expect(await apply([1, 11], 65, { slice: '0000' })).toMatchObject({ state: 'covered' });
    expect(await deleted()).toEqual([11]);
    // The next one has other parts, and makes up for all of them.
    await apply([1, 11], 90, { slice: '0000' });
    expect(await runs()).toEqual([90]);
    expect(await deleted()).toEqual([]);
  });

  it('is held by its part, which stands for the whole, and the other parts are applied', async () => {
    await load([1, 2, 11, 12], 50);
    await apply([], 60, { ...lower, held: '2 of 2 keys are gone' });
    await apply([12], 60, upper);
    expect(await deleted()).toEqual([11]);
    const censuses = await warehouse.database.withClient(selectCensuses);
    expect(censuses).toMatchObject([
      { table: 'dim_colour', state: 'held', reason: '2 of 2 keys are gone', keys: 1 },
    ]);
  });

  it('clears the marks of the keys that a newer one has, although no row of them came since', async () => {
    await load([1, 2, 11], 50);
    await apply([], 60, { slice: '0000' });
    expect(await deleted()).toEqual([1, 2, 11]);
    await apply([2, 12], 70, lower);
    expect(await deleted()).toEqual([1, 11]);
    await apply([11], 80, { slice: '0000' });
    expect(await deleted()).toEqual([1, 2]);
  });

  it('marks rows that wait like any other, and they come out with their mark', async () => {
    const sale = (id: number) => ({
      sale_id: String(id),
      last_updated_date: '2024-02-29',
      last_updated_time: '00:00:00',
      colour_id: '7',
      shape_id: null,
      note: 'waits',
    });
    await warehouse.putAndLoad('fact_sale', { rows: [sale(1), sale(2)], xmax: 50 });
    const census = { seconds: 0, previous: 'a run' };
    await warehouse.putAndLoad('fact_sale', { rows: [{ sale_id: '2' }], xmax: 60, slice: 1, census });
    const marks = (table: string) =>
      warehouse.ask(`select sale_id, _deleted_by is not null as gone from ${table} order by 1`);
    const expected = [
      { sale_id: '1', gone: 't' },
      { sale_id: '2', gone: 'f' },
    ];
    expect(await marks('starlift.parked_fact_sale')).toEqual(expected);
    await load([7], 55);
    expect(await marks('starlift.parked_fact_sale')).toEqual([]);
    expect(await marks('fact_sale')).toEqual(expected);
  });

  it('that is held neither marks nor covers: an older one is applied after it', async () => {
    await load([1, 2], 50);
    await apply([], 70, { slice: '0000', held: 'all 2 keys are gone' });
    expect(await apply([1], 60, { slice: '0000' })).toMatchObject({ state: 'applied', marked: 1 });
    expect(await deleted()).toEqual([2]);
    expect(await runs()).toEqual([60, 70]);
  });
});
