import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TransientError } from '../../../shared/errors.ts';
import type { ProcessedKey } from '../../../shared/object-store/object-key.ts';
import type { ForeignKeys } from '../../../shared/warehouse/relation.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/temporary-postgres.ts';
import type { TextRow } from './parquet-objects.ts';
import { smallModel } from './small-model.ts';
import { WarehouseUnderTest } from './warehouse-under-test.ts';

const tables = ['dim_colour', 'dim_shape', 'fact_sale'] as const;
type Table = (typeof tables)[number];

/** An object; its place in the history is its version. */
interface Extracted {
  table: Table;
  rows: TextRow[];
}

const keyColumns: Record<Table, string[]> = {
  dim_colour: ['colour_id'],
  dim_shape: ['shape_id'],
  fact_sale: ['sale_id', 'last_updated_date', 'last_updated_time'],
};
const ids = ['-1', '0', '1', '2'];
const id = fc.constantFrom(...ids);
const word = fc.constantFrom('a', 'b', 'c', 'd', 'e');

const rowOf: Record<Table, fc.Arbitrary<TextRow>> = {
  dim_colour: fc.record({ colour_id: id, name: word }),
  dim_shape: fc.record({ shape_id: id, name: fc.option(word) }),
  fact_sale: fc.record({
    sale_id: id,
    last_updated_date: fc.constantFrom('1999-12-31', '2024-02-29'),
    last_updated_time: fc.constantFrom('00:00:00', '12:34:56.000001'),
    colour_id: id,
    shape_id: fc.option(id),
    note: word,
  }),
};

const identify = (table: Table, row: TextRow): string =>
  keyColumns[table].map((column) => row[column]).join('|');

const extracted: fc.Arbitrary<Extracted> = fc
  .constantFrom(...tables)
  .chain((table) =>
    fc
      .uniqueArray(rowOf[table], { maxLength: 5, selector: (row) => identify(table, row) })
      .map((rows) => ({ table, rows })),
  );

/** Every dimension row that a fact can name is somewhere in the history, as a foreign key of the source has it. */
const everyDimension: Extracted[] = [
  { table: 'dim_colour', rows: ids.map((colour_id) => ({ colour_id, name: 'oldest' })) },
  { table: 'dim_shape', rows: ids.map((shape_id) => ({ shape_id, name: 'oldest' })) },
];

const history = fc
  .array(extracted, { minLength: 1, maxLength: 10 })
  .map((rest) => [...everyDimension, ...rest]);

/** Each object at least once, in any order. */
const deliveries = history.chain((objects) => {
  const each = objects.map((_, index) => index);
  return fc
    .array(fc.constantFrom(...each), { maxLength: 6 })
    .chain((again) => fc.shuffledSubarray([...each, ...again], { minLength: each.length + again.length }))
    .map((order) => ({ objects, order }));
});

/** What the warehouse must hold: of each key the row of the last object that has it. */
function fold(objects: Extracted[], table: Table): TextRow[] {
  const latest = new Map<string, TextRow>();
  for (const object of objects.filter((each) => each.table === table)) {
    for (const row of object.rows) latest.set(identify(table, row), row);
  }
  return [...latest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

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
  const putAll = (objects: Extracted[]) =>
    Promise.all(
      objects.map(({ table, rows }, index) =>
        warehouse.put(table, { rows, slice: index, xmax: 100 + (index >> 1), revision: index & 1 }),
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
          await Promise.all([drain(queue), drain(queue), drain(queue)]);
          await expectLatest(objects);
        }),
        { numRuns: 25 },
      );
    },
  );

  /** As the queue does: what fails transiently comes back. */
  const drain = async (queue: ProcessedKey[]) => {
    for (let key = queue.shift(); key !== undefined; key = queue.shift()) {
      try {
        await warehouse.load(key);
      } catch (error) {
        if (!(error instanceof TransientError)) throw error;
        queue.push(key);
      }
    }
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
