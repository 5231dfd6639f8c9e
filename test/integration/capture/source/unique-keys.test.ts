import { beforeEach, describe, expect, it } from '@jest/globals';
import { TerminalError } from '../../../../shared/errors.ts';
import {
  dateOf,
  defineDimension,
  defineFact,
  defineIngestedOnly,
  int,
  timeOf,
  varchar,
} from '../../../../shared/model/define.ts';
import { assembleModel } from '../../../../shared/model/model.ts';
import { calendar } from '../../../helpers/models/calendar.ts';
import { startTemporaryPostgres } from '../../../helpers/postgres/temporary-postgres.ts';
import type { CaptureBench } from '../capture-bench.ts';
import { benchInEachTest } from '../each-bench.ts';

const item = {
  table: 'item',
  key: ['item_id'],
  columns: { item_id: 'int4', note: 'varchar?', price: 'numeric(10,2)?', last_updated: 'timestamp' },
} as const;

/** The shop, made into a dimension of items and a fact of staff. */
const model = assembleModel({
  name: 'test',
  tables: [
    calendar,
    defineIngestedOnly({
      table: 'department',
      key: ['department_id'],
      columns: { department_id: 'int4', department_name: 'varchar', last_updated: 'timestamp' },
    }),
    defineDimension({
      name: 'dim_item',
      source: item,
      key: ['id'],
      columns: { id: int('item_id'), note: varchar('note', { nullable: true }) },
    }),
    defineFact({
      name: 'fact_staff',
      source: {
        table: 'staff',
        key: ['staff_id'],
        columns: {
          staff_id: 'int4',
          first_name: 'varchar',
          department_id: 'int4?',
          last_updated: 'timestamp',
        },
        joins: [
          {
            path: 'department',
            table: 'department',
            match: { department_id: 'department_id' },
            columns: { department_name: 'varchar' },
          },
        ],
      },
      key: ['number'],
      versions: ['day', 'time'],
      surrogateKey: 'record_id',
      columns: {
        number: int('staff_id'),
        day: dateOf('last_updated'),
        time: timeOf('last_updated'),
        department: varchar('department.department_name', { nullable: true }),
      },
    }),
  ],
});

const partitioned = `drop table item;
  create table item (item_id int not null, note varchar, price numeric, last_updated timestamp default now())
    partition by range (item_id);
  create table item_low partition of item for values from (0) to (100);
  create table item_high partition of item for values from (100) to (200);
  insert into item values (1), (100);`;

describe('the key of a warehouse table', () => {
  let bench: CaptureBench;
  benchInEachTest(startTemporaryPostgres, (made) => {
    bench = made;
  });
  beforeEach(async () => {
    await bench.source.query(`insert into item values (1, 'a'), (2, 'b');
      insert into department values (1, 'Sales'); insert into staff values (1, 'Ann', 1)`);
  });

  const plan = () => bench.plan({ model });
  const planAndExtract = async () => {
    const planned = await plan();
    await bench.extractAll({ model });
    return planned;
  };
  const tables = ({ slices }: Awaited<ReturnType<typeof plan>>) => slices.map(({ table }) => table).sort();

  it.each([
    ['a primary key', ''],
    [
      'a unique index with other columns in its leaves',
      `alter table item drop constraint item_pkey; create unique index on item (item_id) include (note)`,
    ],
    [
      'a constraint that is checked at the commit, for only what is committed is read',
      `alter table item drop constraint item_pkey,
         add constraint late unique (item_id) deferrable initially deferred`,
    ],
    ['an index of a partitioned table', `${partitioned} create unique index on item (item_id)`],
  ])('is unique by %s', async (_, ddl) => {
    await bench.source.query(ddl);
    const planned = await planAndExtract();
    expect(planned.failures).toEqual([]);
    expect(tables(planned)).toEqual(['department', 'item', 'staff']);
  });

  const dropped = 'alter table item drop constraint item_pkey;';
  const createIndex = 'create unique index on "public"."item" ("item_id")';
  it.each([
    ['there is no index', dropped, createIndex],
    [
      'the index is of some rows',
      `${dropped} create unique index on item (item_id) where price is null`,
      createIndex,
    ],
    ['the index is of an expression', `${dropped} create unique index on item ((item_id + 0))`, createIndex],
    ['the index is not unique', `${dropped} create index on item (item_id)`, createIndex],
    ['the index has more columns', `${dropped} create unique index on item (item_id, note)`, createIndex],
    [
      'the key is only carried along in an index',
      `${dropped} create unique index on item (note) include (item_id)`,
      createIndex,
    ],
    [
      'each partition has an index of its own',
      `${partitioned} create unique index on item_low (item_id); create unique index on item_high (item_id)`,
      createIndex,
    ],
    [
      'a partition lacks its part of the index',
      `${partitioned} create unique index on only item (item_id)`,
      createIndex,
    ],
    [
      'the key may be null',
      `${dropped} alter table item alter item_id drop not null; create unique index on item (item_id)`,
      'alter table "public"."item" alter column "item_id" set not null',
    ],
    [
      'the key may be null and is not unique',
      `${dropped} alter table item alter item_id drop not null`,
      `alter table "public"."item" alter column "item_id" set not null; ${createIndex}`,
    ],
  ])(
    'is not unique where %s: its table fails alone until the statement it names is run',
    async (_, ddl, statement) => {
      await bench.source.query(ddl);
      const { failures, slices } = await plan();
      expect(failures).toEqual([
        { table: 'item', error: 'TerminalError', reason: expect.stringContaining(`: ${statement}`) },
      ]);
      expect(failures[0]?.reason).toContain('item_id');
      expect(failures[0]?.reason).toContain('dim_item');
      expect(slices.map(({ table }) => table).sort()).toEqual(['department', 'item', 'staff']);
      const message = bench.queue.find(({ table }) => table === 'item');
      if (message === undefined) throw new Error('no message for the failing table');
      bench.queue.splice(bench.queue.indexOf(message), 1);
      await expect(bench.extract(message, { model })).rejects.toThrow(TerminalError);
      await bench.extractAll({ model });

      await bench.source.query(statement);
      const mended = await planAndExtract();
      expect(mended.failures).toEqual([]);
      expect(mended.slices).toMatchObject([{ table: 'item', full: true }]);
    },
  );

  it('is not unique by an index that could not be built', async () => {
    await bench.source.query(`${dropped} insert into item values (1, 'again')`);
    await expect(
      bench.source.query('create unique index concurrently broken on item (item_id)'),
    ).rejects.toMatchObject({ code: '23505' });
    expect((await plan()).failures).toMatchObject([
      { table: 'item', reason: expect.stringContaining(createIndex) },
    ]);
  });

  it('is not unique over a table and those that inherit from it, with any indexes', async () => {
    await bench.source.query('create table special () inherits (item)');
    const { failures } = await plan();
    expect(failures).toMatchObject([
      { table: 'item', reason: expect.stringMatching(/special inherits from/) },
    ]);
  });

  it('of a fact is asked for like a dimension’s, and by its own name', async () => {
    await bench.source.query('alter table staff drop constraint staff_pkey');
    const { failures } = await plan();
    expect(failures).toMatchObject([
      {
        table: 'staff',
        reason: expect.stringMatching(/fact_staff.*create unique index on "public"\."staff" \("staff_id"\)/),
      },
    ]);
  });

  it('is doubled by a join whose other side is not unique, which may hold nulls', async () => {
    await bench.source.query(`alter table staff drop constraint staff_department_id_fkey;
      alter table department drop constraint department_pkey; alter table department alter department_id drop not null`);
    const { failures } = await plan();
    const statement = 'create unique index on "public"."department" ("department_id")';
    expect(failures).toMatchObject([{ table: 'staff', reason: expect.stringContaining(`: ${statement}`) }]);
    bench.queue.splice(0);
    await bench.source.query(statement);
    expect((await planAndExtract()).failures).toEqual([]);
  });

  it('is looked at by every plan: an index that is dropped is missed at the next one', async () => {
    await planAndExtract();
    expect((await plan()).slices).toEqual([]);
    await bench.source.query(`${dropped} create unique index later on item (item_id)`);
    const exchanged = await plan();
    expect([exchanged.failures, exchanged.slices]).toEqual([[], []]);
    await bench.source.query('drop index later');
    expect((await plan()).failures).toMatchObject([{ table: 'item' }]);
  });

  it('cannot be made by what several rows may share, or of a joined table', async () => {
    const keyed = (name: string, column: ReturnType<typeof int>) =>
      assembleModel({
        name: 'test',
        tables: [
          calendar,
          defineIngestedOnly({
            table: 'department',
            key: ['department_id'],
            columns: { department_id: 'int4' },
          }),
          defineDimension({
            name,
            source: {
              table: 'staff',
              key: ['staff_id'],
              columns: { staff_id: 'int4', department_id: 'int4?', last_updated: 'timestamp' },
              joins: [
                {
                  path: 'department',
                  table: 'department',
                  match: { department_id: 'department_id' },
                  columns: { department_id: 'int4' },
                },
              ],
            },
            key: ['key'],
            columns: { key: column },
          }),
        ],
      });
    const day = await bench.plan({ model: keyed('dim_day', dateOf('last_updated')) });
    expect(day.failures).toMatchObject([{ table: 'staff', reason: expect.stringContaining('dim_day.key') }]);
    const joined = await bench.plan({ model: keyed('dim_department', int('department.department_id')) });
    expect(joined.failures).toMatchObject([
      { table: 'staff', reason: expect.stringContaining('dim_department.key') },
    ]);
  });
});
