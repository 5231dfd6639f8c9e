import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { defineDimension, defineFact, int, uuid, varchar } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import type { TextRow } from '../../helpers/rows/text-rows.ts';
import { drain } from '../../helpers/small-warehouse/deliveries.ts';
import { runOf } from '../../helpers/small-warehouse/parquet-objects.ts';
import { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';

const part = defineDimension({
  name: 'dim_part',
  source: { table: 'part', key: ['part_id'], columns: { part_id: 'uuid', name: 'varchar?' } },
  key: ['part_id'],
  columns: { part_id: uuid('part_id'), name: varchar('name', { nullable: true }) },
});

const offer = defineDimension({
  name: 'dim_offer',
  source: {
    table: 'offer',
    key: ['part_id', 'seller'],
    columns: { part_id: 'uuid', seller: 'varchar', cents: 'int4?' },
  },
  key: ['part_id', 'seller'],
  columns: { part_id: uuid('part_id'), seller: varchar('seller'), cents: int('cents', { nullable: true }) },
});

const line = defineFact({
  name: 'fact_line',
  source: {
    table: 'line',
    key: ['document', 'line_no'],
    columns: { document: 'varchar', line_no: 'int4', part_id: 'uuid', instead: 'uuid?', pieces: 'int4' },
  },
  key: ['document', 'line_no'],
  versions: [],
  columns: {
    document: varchar('document'),
    line_no: int('line_no'),
    part_id: uuid('part_id', { references: 'dim_part' }),
    instead: uuid('instead', { references: 'dim_part', nullable: true }),
    pieces: int('pieces'),
  },
});

const model = assembleModel({ name: 'composite keys', tables: [part, offer, line] });
const keysOf = { dim_part: part.key, dim_offer: offer.key, fact_line: line.key };
type Table = keyof typeof keysOf;
const names = Object.keys(keysOf) as Table[];

const partIds = [0, 1, 2].map((digit) => `00000000-0000-7000-8000-${String(digit).repeat(12)}`);
const partId = fc.constantFrom(...partIds);
/** Two keys that are one when their parts are put side by side. */
const text = fc.constantFrom('a', 'a,1', '', 'a\t', '\\N');
const number = fc.constantFrom('1', '-1', '11');

const rowOf: Record<Table, fc.Arbitrary<TextRow>> = {
  dim_part: fc.record({ part_id: partId, name: fc.option(text) }),
  dim_offer: fc.record({ part_id: partId, seller: text, cents: fc.option(number) }),
  fact_line: fc.record({
    document: text,
    line_no: number,
    part_id: partId,
    instead: fc.option(partId),
    pieces: number,
  }),
};

interface Extracted {
  table: Table;
  rows: TextRow[];
}

const identify = (table: Table, row: TextRow): string =>
  JSON.stringify(keysOf[table].map((column) => row[column]));

const extracted: fc.Arbitrary<Extracted> = fc
  .constantFrom(...names)
  .chain((table) =>
    fc
      .uniqueArray(rowOf[table], { maxLength: 6, selector: (row) => identify(table, row) })
      .map((rows) => ({ table, rows })),
  );

/** Objects, of which a later one is newer; and an order of deliveries that has each of them, some more than once. */
const deliveries = fc.array(extracted, { minLength: 1, maxLength: 10 }).chain((rest) => {
  const objects: Extracted[] = [
    { table: 'dim_part', rows: partIds.map((part_id) => ({ part_id, name: 'first' })) },
    ...rest,
  ];
  const each = objects.map((_, index) => index);
  return fc
    .array(fc.constantFrom(...each), { maxLength: 5 })
    .chain((again) => fc.shuffledSubarray([...each, ...again], { minLength: each.length + again.length }))
    .map((order) => ({ objects, order }));
});

/** Of each key, the row of the last object that has it. */
function latest(objects: readonly Extracted[], table: Table): TextRow[] {
  const rows = new Map<string, TextRow>();
  for (const object of objects.filter((each) => each.table === table)) {
    for (const row of object.rows) rows.set(identify(table, row), row);
  }
  return [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

describe('a warehouse of composite keys and of a fact without versions', () => {
  let server: PostgresServer;
  let warehouse: WarehouseUnderTest;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
  });
  afterAll(() => server.stop());
  afterEach(() => warehouse.end());

  const make = async () => {
    warehouse = await WarehouseUnderTest.make(await server.createDatabase(`any ${randomUUID()}`), model);
  };

  const empty = async () => {
    await warehouse.ask(`truncate ${names.join(', ')}, starlift.object, starlift.parked_fact_line cascade`);
    warehouse.bucket.objects.clear();
  };

  const expectLatest = async (objects: readonly Extracted[]) => {
    for (const table of names) {
      const columns = model.table(table).columns.map(({ name }) => name);
      const found = (await warehouse.ask(`select ${columns.join(', ')} from ${table}`)) as TextRow[];
      const sorted = found.toSorted((a, b) => (identify(table, a) < identify(table, b) ? -1 : 1));
      expect({ table, rows: sorted }).toEqual({ table, rows: latest(objects, table) });
    }
    expect(await warehouse.ask('select * from starlift.parked_fact_line')).toEqual([]);
  };

  it('ends with the latest row of each key, in any order of deliveries and by three loaders at a time', async () => {
    await make();
    await fc.assert(
      fc.asyncProperty(deliveries, fc.constantFrom(1, 3), async ({ objects, order }, loaders) => {
        await empty();
        const keys = await Promise.all(
          objects.map(({ table, rows }, index) =>
            warehouse.put(table, { rows, slice: index, xmax: 100 + (index >> 1), revision: index & 1 }),
          ),
        );
        const queue = order.flatMap((index) => keys[index] ?? []);
        await Promise.all(Array.from({ length: loaders }, () => drain(warehouse, queue)));
        await expectLatest(objects);
      }),
      { numRuns: 30 },
    );
  });

  it('does so when all of it is an initial load, and the key is built at its end', async () => {
    await make();
    let keyless = 0;
    await fc.assert(
      fc.asyncProperty(deliveries, async ({ objects, order }) => {
        await empty();
        await warehouse.ask(
          `do $$ declare name name; begin
             for name in select conname from pg_constraint where conrelid = 'fact_line'::regclass and contype in ('p', 'u')
             loop execute format('alter table fact_line drop constraint %I', name); end loop;
           end $$`,
        );
        await warehouse.ask(
          `insert into starlift.initial_load values ('fact_line', null) on conflict do nothing`,
        );
        const run = runOf(100);
        warehouse.runs.set(run, {
          slices: objects.flatMap(({ table }, index) =>
            table === 'fact_line'
              ? [{ slice: String(index).padStart(4, '0'), table: 'line', full: true }]
              : [],
          ),
        });
        const keys = await Promise.all(
          objects.map(({ table, rows }, index) =>
            warehouse.put(table, { rows, slice: index, run, xmax: 100 + (index >> 1), revision: index & 1 }),
          ),
        );
        const queue = order.flatMap((index) => keys[index] ?? []);
        await Promise.all([drain(warehouse, queue), drain(warehouse, queue), drain(warehouse, queue)]);
        await expectLatest(objects);
        const facts = objects.filter(({ table }) => table === 'fact_line').length;
        const primary = await warehouse.ask(
          `select pg_get_constraintdef(oid) as key from pg_constraint where conrelid = 'fact_line'::regclass and contype = 'p'`,
        );
        expect(primary).toEqual(facts === 0 ? [] : [{ key: 'PRIMARY KEY (document, line_no)' }]);
        keyless += facts > 1 ? 1 : 0;
      }),
      { numRuns: 30 },
    );
    expect(keyless).toBeGreaterThan(5);
  });
});
