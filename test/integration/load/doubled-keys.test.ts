import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { TerminalError } from '../../../shared/errors.ts';
import {
  boolean,
  type ColumnDefinition,
  dateOf,
  defineDimension,
  defineFact,
  int,
  numeric,
  type SourceType,
  timeOf,
  varchar,
} from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { calendar } from '../../helpers/models/calendar.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import type { TextRow } from '../../helpers/rows/text-rows.ts';
import { runOf } from '../../helpers/small-warehouse/parquet-objects.ts';
import { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';

/** Each type that a key may have, what it is in the source, and two values of it. */
const types: [type: string, column: ColumnDefinition, sourceType: SourceType, one: string, other: string][] =
  [
    ['int', int('id'), 'int4', '-7', '2000000000'],
    ['varchar', varchar('id'), 'varchar', 'one', '\ufeffone'],
    ['numeric', numeric(12, 2, 'id'), 'numeric(12,2)', '1.50', '-1.50'],
    ['wide_numeric', numeric(38, 0, 'id'), 'numeric(38,0)', '18446744073709551616', '1'],
    ['a_date', dateOf('id'), 'timestamp', '2024-02-29', '0001-01-01'],
    ['time', timeOf('id'), 'timestamp', '23:59:59.999999', '00:00:00'],
    ['boolean', boolean('id'), 'bool', 'true', 'false'],
  ];

const source = (table: string, id: SourceType) => ({
  table,
  key: ['id'],
  columns: { id, name: 'varchar', last_updated: 'timestamp' } as const,
});
const ready = defineDimension({
  name: 'dim_ready',
  source: { table: 'ready', key: ['id'], columns: { id: 'varchar' } },
  key: ['id'],
  columns: { id: varchar('id') },
});

function modelOf(type: string, key: ColumnDefinition, sourceType: SourceType) {
  const { references: _, ...column } = key;
  return assembleModel({
    name: 'test',
    tables: [
      calendar,
      ready,
      defineDimension({
        name: `dim_${type}`,
        source: source(type, sourceType),
        key: ['id'],
        columns: { id: column, name: varchar('name') },
      }),
      defineFact({
        name: `fact_${type}`,
        source: source(`${type}_event`, sourceType),
        key: ['id'],
        versions: ['day', 'time'],
        surrogateKey: 'record_id',
        columns: {
          id: column,
          day: dateOf('last_updated'),
          time: timeOf('last_updated'),
          name: varchar('name', { references: 'dim_ready' }),
        },
      }),
    ],
  });
}

const at = { day: '2024-02-29', time: '12:00:00' };

describe.each(types)('rows of one object with one key of type %s', (type, column, sourceType, one, other) => {
  const [dimension, fact] = [`dim_${type}`, `fact_${type}`];
  let server: PostgresServer;
  let warehouse: WarehouseUnderTest;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    const url = await server.createDatabase(`w${randomUUID()}`);
    warehouse = await WarehouseUnderTest.make(url, modelOf(type, column, sourceType), { deferKeys: true });
    await warehouse.putAndLoad('dim_ready', { rows: [{ id: 'a' }, { id: 'b' }] });
  });
  afterEach(() => warehouse.end());

  /** As Postgres writes the key, by itself. */
  const shown = new RegExp(`\\(${type === 'boolean' ? one[0] : one}[,)]|\\(${one}[,)]`);
  const names = (table: string) => warehouse.ask(`select name from ${table} order by name`);
  const expectRefused = async (table: string, load: Promise<unknown>) => {
    const failure = await load.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TerminalError);
    expect(failure).toMatchObject({ table, message: expect.stringContaining(table) });
    expect(failure).toMatchObject({ message: expect.stringMatching(/\bid\b/) });
    expect(failure).toMatchObject({ message: expect.stringMatching(shown) });
    expect(await names(table)).toEqual([]);
  };
  const twice: TextRow[] = [
    { ...at, id: one, name: 'a' },
    { ...at, id: other, name: 'a' },
    { ...at, id: one, name: 'b' },
  ];
  const once: TextRow[] = [
    { ...at, id: one, name: 'a' },
    { ...at, id: other, name: 'b' },
    { ...at, id: one, name: 'a' },
  ];
  const planInitial = () => {
    const run = runOf(100);
    warehouse.runs.set(run, {
      slices: [{ slice: '0000', table: `${type}_event`, full: true }],
    });
  };

  it('fail as a dimension', async () => {
    await expectRefused(dimension, warehouse.putAndLoad(dimension, { rows: twice }));
  });

  it('fail as a fact that has its keys', async () => {
    await expectRefused(fact, warehouse.putAndLoad(fact, { rows: twice }));
  });

  it('fail as a fact in its initial load', async () => {
    planInitial();
    await expectRefused(fact, warehouse.putAndLoad(fact, { rows: twice }));
  });

  it('land once where they are equal value for value', async () => {
    await warehouse.putAndLoad(dimension, { rows: once });
    expect(await names(dimension)).toEqual([{ name: 'a' }, { name: 'b' }]);
    planInitial();
    await warehouse.putAndLoad(fact, { rows: once });
    expect(await names(fact)).toEqual([{ name: 'a' }, { name: 'b' }]);
    await warehouse.putAndLoad(fact, { rows: once, xmax: 200 });
    expect(await names(fact)).toEqual([{ name: 'a' }, { name: 'b' }]);
  });

  it('of which one waits stops waiting when a newer one lands', async () => {
    await warehouse.putAndLoad(fact, { rows: [{ ...at, id: one, name: 'absent' }] });
    expect(await names(fact)).toEqual([]);
    await warehouse.putAndLoad(fact, { rows: [{ ...at, id: one, name: 'b' }], xmax: 200 });
    expect(await names(fact)).toEqual([{ name: 'b' }]);
    expect(await names(`starlift.parked_${fact}`)).toEqual([]);
  });
});
