import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type ColumnDefinition,
  defineDimension,
  defineFact,
  formatType,
  type SourceType,
  sameDate,
  text,
  timestamptz,
  type WarehouseType,
} from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { calendar } from '../../helpers/models/calendar.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { type ModelRoad, makeModelRoad } from './model-road.ts';

interface KeyCase {
  sql: string;
  declared: SourceType;
  warehouse: WarehouseType;
  keys: [string, string, string, string];
}

const carried = (sql: string, keys: KeyCase['keys']): KeyCase => ({
  sql,
  declared: 'other',
  warehouse: { name: 'carried', sql },
  keys,
});

const keyCases: KeyCase[] = [
  { sql: 'smallint', declared: 'int2', warehouse: { name: 'smallint' }, keys: ['-32768', '0', '1', '32767'] },
  {
    sql: 'integer',
    declared: 'int4',
    warehouse: { name: 'int' },
    keys: ['-2147483648', '0', '7', '2147483647'],
  },
  {
    sql: 'bigint',
    declared: 'int8',
    warehouse: { name: 'bigint' },
    keys: ['-9223372036854775808', '9007199254740993', '-1', '9223372036854775807'],
  },
  {
    sql: 'numeric(38,2)',
    declared: 'numeric(38,2)',
    warehouse: { name: 'numeric', precision: 38, scale: 2 },
    keys: ['0.01', '-0.01', `${'9'.repeat(36)}.99`, '1'],
  },
  {
    sql: 'double precision',
    declared: 'float8',
    warehouse: { name: 'double precision' },
    keys: ['NaN', 'Infinity', '0.1', '5e-324'],
  },
  {
    sql: 'text',
    declared: 'varchar',
    warehouse: { name: 'text' },
    keys: ['', `it's "x",{\\`, '\ufeff', 'é😀\n'],
  },
  { sql: 'character(5)', declared: 'varchar', warehouse: { name: 'text' }, keys: ['', 'a', ' a', 'abcde'] },
  { sql: 'citext', declared: 'varchar', warehouse: { name: 'text' }, keys: ['', 'a', 'B', 'É'] },
  {
    sql: 'boolean',
    declared: 'bool',
    warehouse: { name: 'boolean' },
    keys: ['true', 'false', 'true', 'false'],
  },
  {
    sql: 'date',
    declared: 'date',
    warehouse: { name: 'date' },
    keys: ['infinity', '-infinity', '0044-03-15 BC', '5874897-12-31'],
  },
  {
    sql: 'time',
    declared: 'time',
    warehouse: { name: 'time' },
    keys: ['24:00:00', '00:00:00', '23:59:59.999999', '00:00:00.000001'],
  },
  {
    sql: 'timestamp',
    declared: 'timestamp',
    warehouse: { name: 'timestamp' },
    keys: ['infinity', '-infinity', '0044-03-15 12:00:00.000001 BC', '294246-12-31 23:59:59.999999'],
  },
  {
    sql: 'timestamptz',
    declared: 'timestamptz',
    warehouse: { name: 'timestamptz' },
    keys: [
      'infinity',
      '1969-12-31 23:59:59.999999+00',
      '0044-03-15 12:00:00+05:30 BC',
      '2024-02-29 23:59:59.999999+00',
    ],
  },
  {
    sql: 'uuid',
    declared: 'uuid',
    warehouse: { name: 'uuid' },
    keys: [
      '00000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
      '12345678-9abc-def0-1234-56789abcdef0',
      '00000000-0000-0000-0000-000000000001',
    ],
  },
  {
    sql: 'bytea',
    declared: 'bytea',
    warehouse: { name: 'bytea' },
    keys: ['\\x', '\\x00', '\\xff5c', '\\x0a'],
  },
  {
    sql: 'jsonb',
    declared: 'jsonb',
    warehouse: { name: 'jsonb' },
    keys: ['null', '{"a": "\\""}', '[]', '""'],
  },
  carried('interval', ['1 day', '-00:00:00.5', '1 year', '00:00:00']),
  carried('inet', ['::1', '10.0.0.1/8', '10.0.0.1', '0.0.0.0']),
  carried('integer[]', ['{}', '{NULL}', '{{1,2},{3,4}}', '{1}']),
  carried('daterange', ['empty', '(,)', '[2024-02-29,2024-03-01)', '[2024-02-29,infinity)']),
  carried('numeric', ['NaN', '1e300', '0.10', '-0.001']),
];

const as = (type: WarehouseType, field: string, references?: string): ColumnDefinition => ({
  type,
  from: { kind: 'field', field },
  nullable: false,
  ...(references !== undefined && { references }),
});

const model = assembleModel({
  name: 'keys',
  tables: [
    calendar,
    ...keyCases.flatMap(({ declared, warehouse }, index) => [
      defineDimension({
        name: `dim_${index}`,
        source: { table: `thing_${index}`, key: ['k'], columns: { k: declared, label: 'varchar' } },
        key: ['k'],
        columns: { k: as(warehouse, 'k'), label: text('label') },
      }),
      defineFact({
        name: `fact_${index}`,
        source: {
          table: `event_${index}`,
          key: ['k', 'part'],
          columns: { k: declared, part: 'varchar', thing: declared, changed: 'timestamptz', day: 'date?' },
        },
        key: ['k', 'part'],
        versions: ['changed'],
        columns: {
          k: as(warehouse, 'k'),
          part: text('part'),
          thing: as(warehouse, 'thing', `dim_${index}`),
          changed: timestamptz('changed'),
          day: sameDate('day', { nullable: true, references: 'dim_date' }),
        },
      }),
    ]),
  ],
});

describe('keys of any type', () => {
  let server: PostgresServer;
  let road: ModelRoad;

  beforeAll(async () => {
    server = await startTemporaryPostgres();
    road = await makeModelRoad(await server.createDatabase('keys'), await server.createDatabase('warehouse'));
    const { source } = road.bench;
    await source.query(`create extension citext; set timezone = 'UTC'`);
    for (const [index, { sql }] of keyCases.entries()) {
      await source.query(`
        create table thing_${index} (k ${sql} primary key, label text not null);
        create table event_${index} (k ${sql}, part text, thing ${sql} not null, changed timestamptz not null,
                                     day date, primary key (k, part))`);
    }
    await source.query('grant select on all tables in schema public to reader');
  });
  afterAll(async () => {
    await road.end();
    await server.stop();
  });

  const inSource = async (sql: (index: number, each: KeyCase) => string) => {
    for (const [index, each] of keyCases.entries()) await road.bench.source.query(sql(index, each));
  };
  const rowsOf = (client: { query: (sql: string) => Promise<{ rows: unknown[] }> }, sql: string) =>
    client.query(sql).then(({ rows }) => rows);
  const inWarehouse = (sql: string) =>
    road.warehouse.withClient(async (client) => {
      await client.query(`set timezone = 'UTC'`);
      return rowsOf(client, sql);
    });
  const counts = async (table: (index: number) => string) => {
    const found: Record<string, unknown> = {};
    for (const [index, { warehouse }] of keyCases.entries()) {
      const [row] = await inWarehouse(`select count(*)::int as rows from ${table(index)}`);
      found[`${index} ${formatType(warehouse)}`] = (row as { rows: number } | undefined)?.rows;
    }
    return found;
  };
  const each = (rows: number) =>
    Object.fromEntries(keyCases.map(({ warehouse }, index) => [`${index} ${formatType(warehouse)}`, rows]));
  const columns = 'k::text, part, thing::text, changed::text, day::text';
  const literal = (value: string) => `'${value.replaceAll("'", "''")}'`;

  it('let facts wait for their dimension rows, and release them', async () => {
    await inSource((index, { sql, keys }) => {
      const rows = keys.map(
        (key, part) =>
          `(${literal(key)}::${sql}, 'part ${part}', ${literal(key)}::${sql}, '2024-02-29 12:00+00', '2024-02-2${part}')`,
      );
      return `insert into event_${index} values ${rows.join(', ')}`;
    });
    await road.run(model);
    expect(await counts((index) => `starlift.parked_fact_${index}`)).toEqual(each(4));
    expect(await counts((index) => `fact_${index}`)).toEqual(each(0));
    await inSource(
      (index) =>
        `insert into thing_${index} select distinct on (k) k, 'label' from event_${index} order by k`,
    );
    await road.run(model);
    expect(await counts((index) => `starlift.parked_fact_${index}`)).toEqual(each(0));
    for (const index of keyCases.keys()) {
      expect(await inWarehouse(`select ${columns} from fact_${index} order by part`)).toEqual(
        await rowsOf(road.bench.source, `select ${columns} from event_${index} order by part`),
      );
    }
  });

  it('tell rows apart: each is put once, a dimension in its latest state and a fact in all its versions', async () => {
    await inSource(
      (index) => `
        update thing_${index} set label = 'changed';
        update event_${index} set changed = '2024-03-01 12:00+00' where part in ('part 0', 'part 1');
        update event_${index} set day = null where part = 'part 2'`,
    );
    await road.run(model);
    for (const index of keyCases.keys()) {
      const things = 'select k::text, label from';
      expect(await inWarehouse(`${things} dim_${index} order by 1`)).toEqual(
        await rowsOf(road.bench.source, `${things} thing_${index} order by 1`),
      );
      expect(
        await inWarehouse(`select part, changed::date::text as day from fact_${index} order by 1, 2`),
      ).toEqual(
        ['0', '0', '1', '1', '2', '3'].map((part, version) => ({
          part: `part ${part}`,
          day: version === 1 || version === 3 ? '2024-03-01' : '2024-02-29',
        })),
      );
      expect(await inWarehouse(`select day::text from fact_${index} where part = 'part 2'`)).toEqual([
        { day: null },
      ]);
    }
  });

  it('that name days reach the calendar only where it has them', async () => {
    const days = ['infinity', '-infinity', '0001-12-31 BC', '10000-01-01', '0001-01-01', '9999-12-31'];
    const rows = days.map((day, part) => `(1, 'day ${part}', 0, '2024-02-29 12:00+00', '${day}')`);
    const index = keyCases.findIndex(({ sql }) => sql === 'integer');
    await road.bench.source.query(`insert into event_${index} values ${rows.join(', ')}`);
    await road.run(model);
    expect(
      (road.quarantined().get(`fact_${index}`) ?? []).map(({ key, column, reason }) => ({
        key,
        column,
        reason,
      })),
    ).toEqual([
      { key: [1, 'day 0'], column: 'day', reason: 'is infinite' },
      { key: [1, 'day 1'], column: 'day', reason: 'is infinite' },
      { key: [1, 'day 2'], column: 'day', reason: 'is before the year 1' },
      { key: [1, 'day 3'], column: 'day', reason: 'is after the year 9999' },
    ]);
    expect(
      await inWarehouse(
        `select date_id::text, year, (select count(*)::int from fact_${index} f where f.day = d.date_id) as facts
           from dim_date d where year not between 2 and 9998 or date_id = '1970-01-01' order by 1`,
      ),
    ).toEqual([
      { date_id: '0001-01-01', year: 1, facts: 1 },
      { date_id: '9999-12-31', year: 9999, facts: 1 },
    ]);
  });
});
