import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkTables } from '../../../shared/ledger/table-counts.ts';
import { assembleModel, type Model } from '../../../shared/model/model.ts';
import type { ProcessedKey } from '../../../shared/object-store/object-key.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import type { TextRow } from '../../helpers/rows/text-rows.ts';
import { applyDue, drain } from '../../helpers/small-warehouse/deliveries.ts';
import { runOf } from '../../helpers/small-warehouse/parquet-objects.ts';
import { smallModel, smallTables } from '../../helpers/small-warehouse/small-model.ts';
import { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';
import {
  type Captured,
  expected,
  histories as historiesOf,
  identify,
  type Rules,
  tables,
} from './deleted-histories.ts';

const [calendar, colour, shape, sale] = smallTables;
const models = [
  {
    what: 'whether a row is marked as deleted',
    model: smallModel,
    rules: {
      hasVersions: true,
      deletes: { dim_colour: 'mark', dim_shape: 'mark', fact_sale: 'mark' },
    },
  },
  {
    what: 'whether a row is removed, or kept although it is deleted',
    model: assembleModel({
      name: 'test',
      tables: [calendar, colour, { ...shape, deletes: 'keep' }, { ...sale, versions: [], deletes: 'remove' }],
    }),
    rules: {
      hasVersions: false,
      deletes: { dim_colour: 'mark', dim_shape: 'keep', fact_sale: 'remove' },
    },
  },
] satisfies { what: string; model: Model; rules: Rules }[];

describe.each(models)('$what', ({ model, rules }) => {
  // A row that is removed comes back with its newest version, so that has to be captured.
  const histories = historiesOf({ isClosed: !rules.hasVersions });
  let server: PostgresServer;
  let warehouse: WarehouseUnderTest;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
  });
  afterAll(() => server.stop());
  afterEach(() => warehouse.end());

  const make = async () => {
    const url = await server.createDatabase(`deleted_${randomUUID()}`);
    warehouse = await WarehouseUnderTest.make(url, model);
  };

  const star = 'dim_date, dim_colour, dim_shape, fact_sale, starlift.parked_fact_sale';
  const empty = async () => {
    await warehouse.truncate(star);
    warehouse.bucket.objects.clear();
  };

  const putAll = (objects: Captured[]) =>
    Promise.all(
      objects.map(({ table, rows, at, isCensus, part: { from, to } = {}, begunAt }, index) =>
        warehouse.put(table, {
          rows,
          xmax: 100 + at,
          slice: index,
          // Later censuses are judged against an earlier one, in the source.
          ...(isCensus && {
            census: {
              seconds: 0,
              previous: 'a run',
              ...(from !== undefined && { from: [String(from)] }),
              ...(to !== undefined && { to: [String(to)] }),
            },
            run: runOf(100 + (begunAt ?? at)),
          }),
        }),
      ),
    );

  const applyAllDue = async () => {
    await applyDue(warehouse);
    expect(await warehouse.ask('select from starlift.census where due_since is not null')).toEqual([]);
  };

  const expectAll = async (objects: Captured[]) => {
    for (const table of tables) {
      const columns = model.table(table).columns.map(({ name }) => name);
      const found = (await warehouse.ask(
        `select ${columns.join(', ')}, _deleted_by is not null as deleted from ${table}`,
      )) as TextRow[];
      const rows = found
        .map((row) => ({ ...row, deleted: row.deleted === 't' ? 'true' : 'false' }))
        .toSorted((a, b) => (identify(table, a, rules) < identify(table, b, rules) ? -1 : 1));
      expect({ table, rows }).toEqual({ table, rows: expected(objects, table, rules) });
    }
    expect(await warehouse.ask('select * from starlift.parked_fact_sale')).toEqual([]);
    // Each mark names a census of the table.
    for (const table of tables) {
      expect(
        await warehouse.ask(
          `select from ${table} t left join starlift.object o
              on o.object_id = t._deleted_by and o.warehouse_table = $1 and o.key like '.census/%'
            where t._deleted_by is not null and o.object_id is null`,
          [table],
        ),
      ).toEqual([]);
    }
  };

  /** What is loaded and deleted is counted with it. */
  const expectCounted = async () => {
    const counts = await warehouse.database.withClient((client) =>
      checkTables(client, { model, schema: 'public' }, { mayNote: false }),
    );
    for (const { table, loaded, holds } of counts.filter((each) => each.table !== 'dim_date'))
      expect({ table, loaded }).toEqual({ table, loaded: holds ?? 0 });
  };

  it('depends on neither the order of deliveries nor their repetition', async () => {
    await make();
    await fc.assert(
      fc.asyncProperty(histories, async ({ objects, order }) => {
        await empty();
        const keys = await putAll(objects);
        for (const index of order) await warehouse.load(keys[index] as ProcessedKey);
        for (const index of order.slice(0, 6))
          await warehouse.load(keys[index] as ProcessedKey, { replay: 'again' });
        await applyAllDue();
        await expectAll(objects);
        await expectCounted();
      }),
      { numRuns: 40 },
    );
  });

  it('is the same with three loaders at a time', async () => {
    await make();
    await fc.assert(
      fc.asyncProperty(histories, async ({ objects, order }) => {
        await empty();
        const keys = await putAll(objects);
        const queue = order.map((index) => keys[index] as ProcessedKey);
        await Promise.all([drain(warehouse, queue), drain(warehouse, queue), drain(warehouse, queue)]);
        await applyAllDue();
        await expectAll(objects);
        await expectCounted();
      }),
      { numRuns: 40 },
    );
  });

  it('is the same when everything is replayed into an emptied warehouse, in any order', async () => {
    await make();
    await fc.assert(
      fc.asyncProperty(histories, fc.boolean(), async ({ objects, order }, isLedgerLost) => {
        await empty();
        const keys = await putAll(objects);
        for (const key of keys) await warehouse.load(key);
        await warehouse.ask(
          `truncate ${star} ${isLedgerLost ? ', starlift.object, starlift.census' : ''} cascade`,
        );
        const queue = order.map((index) => keys[index] as ProcessedKey);
        await Promise.all([
          drain(warehouse, queue, { replay: 'again' }),
          drain(warehouse, queue, { replay: 'again' }),
        ]);
        await applyAllDue();
        await expectAll(objects);
      }),
      { numRuns: 15 },
    );
  });
});
