import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type pg from 'pg';
import { checkTables, type TableCount } from '../../../shared/ledger/table-counts.ts';
import { ensureWarehouse, prepareWarehouse } from '../../../shared/warehouse/ensure-warehouse.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { runOf } from '../../helpers/small-warehouse/parquet-objects.ts';
import { smallModel } from '../../helpers/small-warehouse/small-model.ts';
import { blue, red, round, sale } from '../../helpers/small-warehouse/small-rows.ts';
import { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';

const names = ['dim_colour', 'dim_shape', 'fact_sale'];

describe('the rows of a star table', () => {
  let server: PostgresServer;
  let warehouse: WarehouseUnderTest;
  let url: string;

  beforeAll(async () => {
    server = await startTemporaryPostgres();
  });
  afterAll(() => server.stop());
  const open = async () => {
    url = await server.createDatabase(`warehouse_${randomUUID()}`);
    warehouse = await WarehouseUnderTest.make(url, smallModel);
  };
  beforeEach(open);
  afterEach(() => warehouse.end());

  const withClient = <T>(work: (client: pg.PoolClient) => Promise<T>) => warehouse.database.withClient(work);
  const checkAll = (mayNote = true): Promise<TableCount[]> =>
    withClient((client) => checkTables(client, { model: smallModel, schema: 'public' }, { mayNote }));
  const check = async (mayNote = true) =>
    (await checkAll(mayNote)).filter(({ table }) => names.includes(table));
  const states = async (mayNote?: boolean) =>
    Object.fromEntries((await check(mayNote)).map(({ table, state }) => [table, state]));
  const allEqual = { dim_colour: 'equal', dim_shape: 'equal', fact_sale: 'equal' };

  /** Two colours, a shape and two sales, one of which came before its colour. */
  const loadAll = async () => {
    await warehouse.putAndLoad('dim_shape', { rows: [round] });
    await warehouse.putAndLoad('dim_colour', { rows: [red] });
    await warehouse.putAndLoad('fact_sale', { rows: [sale(), sale({ sale_id: '2', colour_id: '2' })] });
    await warehouse.putAndLoad('dim_colour', { rows: [blue], xmax: 101 });
  };

  it('are as many as were loaded, those that had waited included', async () => {
    await loadAll();
    expect(await check()).toEqual([
      { table: 'dim_colour', state: 'equal', loaded: 2, holds: 2, unloaded: 0 },
      { table: 'dim_shape', state: 'equal', loaded: 1, holds: 1, unloaded: 0 },
      { table: 'fact_sale', state: 'equal', loaded: 2, holds: 2, unloaded: 0 },
    ]);
  });

  it('are not counted again while nothing but loads has happened', async () => {
    await loadAll();
    await check();
    await warehouse.putAndLoad('dim_colour', { rows: [{ ...red, name: 'scarlet' }], xmax: 102 });
    await warehouse.putAndLoad('fact_sale', { rows: [sale({ sale_id: '3' })], xmax: 103 });
    expect((await check()).map(({ holds }) => holds)).toEqual([null, null, null]);
  });

  it.each([
    ['a truncate', 'truncate fact_sale'],
    ['a delete of one row', 'delete from fact_sale where sale_id = 1'],
    [
      'a delete of one row and the insert of two by hand',
      `
      insert into fact_sale (sale_id, last_updated_date, last_updated_time, colour_id, shape_id, note, _object_id)
        select sale_id + 7, last_updated_date, last_updated_time, colour_id, shape_id, note, _object_id from fact_sale;
      delete from fact_sale where sale_id = 2`,
    ],
    [
      'a table of the same name that was put in its place',
      `
      create table other (like fact_sale including all); alter table fact_sale rename to gone;
      alter table other rename to fact_sale`,
    ],
  ])('are a finding at every check after %s', async (_, statements) => {
    await loadAll();
    await check();
    await runAndFlush(statements);
    for (const mayNote of [false, true, true, false]) {
      expect(await states(mayNote)).toEqual({ ...allEqual, fact_sale: 'different' });
    }
  });

  it('are well after what only moves them, and that is noted', async () => {
    await loadAll();
    await check();
    await runAndFlush('vacuum full fact_sale');
    expect((await check()).map(({ state, holds }) => [state, holds])).toEqual([
      ['equal', null],
      ['equal', null],
      ['equal', 2],
    ]);
    expect((await check()).map(({ holds }) => holds)).toEqual([null, null, null]);
  });

  it('are well again when what was lost has come back', async () => {
    await loadAll();
    const key = await warehouse.put('dim_colour', { rows: [red] });
    await check();
    await runAndFlush('delete from dim_colour where colour_id = 1');
    expect(await states()).toEqual({ ...allEqual, dim_colour: 'different' });
    await warehouse.load(key, { replay: 'r1' });
    expect(await states()).toEqual(allEqual);
  });

  it('are counted once where a later revision of an object brings lost ones back', async () => {
    const rows = [red, blue];
    await warehouse.putAndLoad('dim_colour', { rows });
    await check();
    await runAndFlush('delete from dim_colour where colour_id = 1');
    expect(await states()).toEqual({ ...allEqual, dim_colour: 'different' });
    // It had a third row in quarantine, which is mended now.
    const mended = [...rows, { colour_id: '3', name: 'green' }];
    await warehouse.putAndLoad('dim_colour', { rows: mended, revision: 1 });
    expect((await check())[0]).toMatchObject({ state: 'equal', loaded: 3, holds: 3 });
  });

  it('are counted where a replay is the first to load them', async () => {
    const key = await warehouse.put('dim_colour', { rows: [red] });
    await warehouse.load(key, { replay: 'r1' });
    expect((await check())[0]).toMatchObject({ state: 'equal', loaded: 1, holds: 1 });
  });

  it('are the days that facts name, of the calendar', async () => {
    await loadAll();
    const calendar = async (mayNote = true) =>
      (await checkAll(mayNote)).find(({ table }) => table === 'dim_date');
    // What the loads have put in, each for the rows of its own object.
    const [days] = await warehouse.ask('select count(*) as n from dim_date');
    const loaded = Number(days?.n);
    expect(loaded).toBeGreaterThan(0);
    expect(await calendar()).toMatchObject({ state: 'equal' });
    await runAndFlush(
      `insert into dim_date select (json_populate_record(d, '{"date_id": "1999-01-01"}')).* from dim_date d limit 1`,
    );
    await runAndFlush(`delete from dim_date where date_id = '1999-01-01'`);
    // A day that no fact names is nobody's loss.
    expect(await calendar()).toMatchObject({ state: 'equal' });
    await runAndFlush('delete from dim_date');
    for (const mayNote of [false, true, false])
      expect(await calendar(mayNote)).toMatchObject({ state: 'different', loaded, holds: 0 });
  });

  it('are missed in a calendar that lost them before anybody had looked at it', async () => {
    await loadAll();
    const [days] = await warehouse.ask('select count(*) as n from dim_date');
    await runAndFlush('truncate dim_date');
    const counts = await checkAll();
    expect(counts.find(({ table }) => table === 'dim_date')).toMatchObject({
      state: 'different',
      loaded: Number(days?.n),
      holds: 0,
    });
  });

  it('of a calendar that was dropped are made again from the facts, whatever its objects say', async () => {
    await loadAll();
    await checkAll();
    const [before] = await warehouse.ask('select * from dim_date');
    expect(before).toBeDefined();
    await runAndFlush('drop table dim_date cascade');
    const options = { schema: 'public', foreignKeys: 'declared' as const };
    await withClient((client) => ensureWarehouse(client, smallModel, options));
    expect(await warehouse.ask('select * from dim_date')).toEqual([before]);
  });

  it('cannot be looked at where the role may not, and the others can', async () => {
    await loadAll();
    await check();
    await runAndFlush(`create role looker; grant usage on schema starlift to looker;
      grant select on all tables in schema starlift, public to looker; revoke select on fact_sale from looker`);
    const states = await withClient(async (client) => {
      await client.query('set role looker');
      const counts = await checkTables(client, { model: smallModel, schema: 'public' }, { mayNote: false });
      await client.query('reset role');
      return counts.filter(({ state }) => state !== 'equal');
    });
    await runAndFlush('drop owned by looker; drop role looker');
    expect(states).toEqual([
      { table: 'fact_sale', state: 'forbidden', loaded: 2, holds: null, unloaded: 0, role: 'looker' },
    ]);
  });

  it('are refused to be made anew where their table has vanished, until a rebuild asks for it', async () => {
    await loadAll();
    await check();
    await runAndFlush('drop table fact_sale cascade');
    expect(await check()).toContainEqual({
      table: 'fact_sale',
      state: 'missing',
      loaded: 2,
      holds: null,
      unloaded: 0,
    });
    const options = { schema: 'public', foreignKeys: 'declared' as const };
    const refused = await withClient((client) => prepareWarehouse(client, smallModel, options));
    expect([...refused].map(([table, { message }]) => [table, message])).toEqual([
      [
        'fact_sale',
        "the warehouse's table public.fact_sale is gone: 2 rows were loaded into it. Make it again from S3: starlift rebuild fact_sale",
      ],
    ]);
    expect(await warehouse.ask(`select to_regclass('fact_sale') is null as gone`)).toEqual([{ gone: 't' }]);
    await withClient((client) => ensureWarehouse(client, smallModel, { ...options, remade: ['fact_sale'] }));
    expect(await states()).toEqual({ ...allEqual, fact_sale: 'different' });
  });

  it('are measured by what is there where the ledger had to be made again', async () => {
    await loadAll();
    await runAndFlush('drop schema starlift cascade');
    const options = { schema: 'public', foreignKeys: 'declared' as const };
    await withClient((client) => ensureWarehouse(client, smallModel, options));
    expect(await states()).toEqual(allEqual);
    await warehouse.putAndLoad('dim_colour', { rows: [red, { colour_id: '3', name: 'green' }], xmax: 200 });
    await runAndFlush('vacuum full dim_colour');
    expect((await check())[0]).toMatchObject({ state: 'equal', loaded: 3, holds: 3 });
  });

  it('are the sum of what loads have entered, after any history of loads', async () => {
    const ids = fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
    const step = fc.record({
      table: fc.constantFrom(...names),
      ids,
      isReplayed: fc.boolean(),
      isInitial: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        await warehouse.end();
        await open();
        for (const [index, { table, ids, isReplayed }] of steps.entries()) {
          const rows = ids.map((id) => rowOf(table, String(id), index));
          const key = await warehouse.put(table, { rows, xmax: 100 + index, run: runOf(100 + index) });
          await warehouse.load(key);
          if (isReplayed) await warehouse.load(key, { replay: 'r1' });
        }
        for (const { table, state, loaded, holds } of await check()) {
          const [row] = await warehouse.ask(`select count(*) as n from ${table}`);
          expect([table, state, loaded, holds]).toEqual([table, 'equal', Number(row?.n), Number(row?.n)]);
        }
      }),
      { numRuns: 10 },
    );
  });

  const rowOf = (table: string, id: string, version: number) => {
    if (table === 'dim_colour') return { colour_id: id, name: `colour ${version}` };
    if (table === 'dim_shape') return { shape_id: id, name: `shape ${version}` };
    return sale({ sale_id: id, colour_id: String((version % 3) + 1), shape_id: '1', note: `${version}` });
  };

  /** The server counts what a session has deleted when that ends. */
  async function runAndFlush(statements: string): Promise<void> {
    const { default: postgres } = await import('pg');
    const client = new postgres.Client({ connectionString: url });
    await client.connect();
    await client.query(statements);
    await client.query('select pg_stat_force_next_flush()');
    await client.end();
  }
});
