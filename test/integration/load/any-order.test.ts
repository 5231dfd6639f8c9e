import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ProcessedKey } from '../../../shared/object-store/object-key.ts';
import type { ForeignKeys } from '../../../shared/warehouse/relation.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import type { TextRow } from '../../helpers/rows/text-rows.ts';
import { drain } from '../../helpers/small-warehouse/deliveries.ts';
import { type ObjectFacts, runOf } from '../../helpers/small-warehouse/parquet-objects.ts';
import { smallModel } from '../../helpers/small-warehouse/small-model.ts';
import { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';
import { deliveries, type Extracted, fold, identify, tables } from './histories.ts';

const run = runOf(100);

describe('a warehouse', () => {
  let server: PostgresServer;
  let warehouse: WarehouseUnderTest;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
  });
  afterAll(() => server.stop());
  afterEach(() => warehouse.end());

  const make = async (foreignKeys: ForeignKeys) => {
    const url = await server.createDatabase(`any_order_${randomUUID()}`);
    warehouse = await WarehouseUnderTest.make(url, smallModel, { foreignKeys });
  };

  const empty = async () => {
    await warehouse.ask(
      'truncate dim_date, dim_colour, dim_shape, fact_sale, starlift.object, starlift.parked_fact_sale cascade',
    );
    warehouse.bucket.objects.clear();
  };

  /** Versions of which some differ in the revision only. */
  const putAll = (objects: Extracted[], facts: Partial<ObjectFacts> = {}) =>
    Promise.all(
      objects.map(({ table, rows }, index) =>
        warehouse.put(table, { rows, slice: index, xmax: 100 + (index >> 1), revision: index & 1, ...facts }),
      ),
    );

  const expectLatest = async (objects: Extracted[]) => {
    for (const table of tables) {
      const columns = smallModel.table(table).columns.map(({ name }) => name);
      const found = (await warehouse.ask(`select ${columns.join(', ')} from ${table}`)) as TextRow[];
      const sorted = found.toSorted((a, b) => (identify(table, a) < identify(table, b) ? -1 : 1));
      expect({ table, rows: sorted }).toEqual({ table, rows: fold(objects, table) });
    }
    expect(await warehouse.ask('select * from starlift.parked_fact_sale')).toEqual([]);
    const [count] = await warehouse.ask('select count(*) from starlift.object');
    expect(count).toEqual({ count: String(objects.length) });
  };

  it('is the same whatever the order of deliveries, each once or more', async () => {
    await make('declared');
    await fc.assert(
      fc.asyncProperty(deliveries, async ({ objects, order }) => {
        await empty();
        const keys = await putAll(objects);
        for (const index of order) await warehouse.load(keys[index] as ProcessedKey);
        await expectLatest(objects);
      }),
      { numRuns: 25 },
    );
  });

  it.each(['declared', 'enforced'] as const)(
    'is the same with three loaders at a time, foreign keys %s',
    async (foreignKeys) => {
      await make(foreignKeys);
      await fc.assert(
        fc.asyncProperty(deliveries, async ({ objects, order }) => {
          await empty();
          const keys = await putAll(objects);
          const queue = order.map((index) => keys[index] as ProcessedKey);
          await Promise.all([drain(warehouse, queue), drain(warehouse, queue), drain(warehouse, queue)]);
          await expectLatest(objects);
        }),
        { numRuns: 25 },
      );
    },
  );

  it('is the same when all of it is an initial load, with three loaders at a time', async () => {
    await make('declared');
    let loads = 0;
    let keyless = 0;
    await fc.assert(
      fc.asyncProperty(deliveries, async ({ objects, order }) => {
        await empty();
        await warehouse.ask(`
          do $$ declare name name; begin
            for name in select conname from pg_constraint where conrelid = 'fact_sale'::regclass and contype in ('p', 'u')
            loop execute format('alter table fact_sale drop constraint %I', name); end loop;
          end $$`);
        await warehouse.ask(
          `insert into starlift.initial_load values ('fact_sale', null) on conflict do nothing`,
        );
        planAll(objects);
        const keys = await putAll(objects, { run });
        const queue = order.map((index) => keys[index] as ProcessedKey);
        await Promise.all([drain(warehouse, queue), drain(warehouse, queue), drain(warehouse, queue)]);
        await expectLatest(objects);
        // Without a fact nothing ends it.
        const [{ count } = {}] = await warehouse.ask('select count(*) from starlift.initial_load');
        expect(count).toBe(objects.some(({ table }) => table === 'fact_sale') ? '0' : '1');
        loads++;
        keyless += objects.filter(({ table }) => table === 'fact_sale').length > 1 ? 1 : 0;
      }),
      { numRuns: 40 },
    );
    expect(loads).toBe(40);
    expect(keyless).toBeGreaterThan(10);
  });

  const planAll = (objects: Extracted[]) => {
    const slices = objects.flatMap(({ table }, index) =>
      table === 'fact_sale' ? [{ slice: String(index).padStart(4, '0'), table: 'sale', full: true }] : [],
    );
    warehouse.runs.set(run, { slices });
  };

  it('is the same when everything is replayed into emptied tables, in any order', async () => {
    await make('declared');
    await fc.assert(
      fc.asyncProperty(deliveries, async ({ objects, order }) => {
        await empty();
        const keys = await putAll(objects);
        for (const key of keys) await warehouse.load(key);
        await warehouse.ask('truncate dim_date, dim_colour, dim_shape, fact_sale cascade');
        for (const index of order) await warehouse.load(keys[index] as ProcessedKey, { replay: 'again' });
        await expectLatest(objects);
      }),
      { numRuns: 10 },
    );
  });
});
