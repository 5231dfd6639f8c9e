import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type ColumnDefinition,
  defineDimension,
  defineFact,
  type SourceType,
  text,
  type WarehouseType,
} from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { type ModelRoad, makeModelRoad } from './model-road.ts';

interface Rewriting {
  sql: string;
  declared: SourceType;
  warehouse: WarehouseType;
  /** Equal values, which Postgres writes differently. */
  before: string;
  after: string;
}

const carried = (sql: string, before: string, after: string): Rewriting => ({
  sql,
  declared: 'other',
  warehouse: { name: 'carried', sql },
  before,
  after,
});

const rewritings: Rewriting[] = [
  {
    sql: 'double precision',
    declared: 'float8',
    warehouse: { name: 'double precision' },
    before: '-0',
    after: '0',
  },
  { sql: 'jsonb', declared: 'jsonb', warehouse: { name: 'jsonb' }, before: '[1.0]', after: '[1.00]' },
  carried('numeric', '1.50', '1.5'),
  carried('interval', '1 mon', '30 days'),
  carried('numeric[]', '{1.0,NULL}', '{1.00,NULL}'),
  carried('numrange', '[1.0,2)', '[1.00,2)'),
];

const key = ({ warehouse }: Rewriting, references?: string): ColumnDefinition => ({
  type: warehouse,
  from: { kind: 'field', field: 'k' },
  nullable: false,
  ...(references !== undefined && { references }),
});

const model = assembleModel({
  name: 'rewritten',
  tables: rewritings.flatMap((each, index) => [
    defineDimension({
      name: `dim_${index}`,
      source: { table: `thing_${index}`, key: ['k'], columns: { k: each.declared, label: 'varchar' } },
      key: ['k'],
      columns: { k: key(each), label: text('label') },
    }),
    defineFact({
      name: `fact_${index}`,
      source: { table: `event_${index}`, key: ['k'], columns: { k: each.declared, label: 'varchar' } },
      key: ['k'],
      versions: [],
      columns: { k: key(each, `dim_${index}`), label: text('label') },
    }),
  ]),
});

describe('a key that the source writes anew, equal to what it was', () => {
  let server: PostgresServer;
  let road: ModelRoad;

  beforeAll(async () => {
    server = await startTemporaryPostgres();
    road = await makeModelRoad(await server.createDatabase('keys'), await server.createDatabase('warehouse'));
    for (const [index, { sql }] of rewritings.entries())
      await road.bench.source.query(`
        create table thing_${index} (k ${sql} primary key, label text not null);
        create table event_${index} (k ${sql} primary key, label text not null)`);
    await road.bench.source.query('grant select on all tables in schema public to reader');
  });
  afterAll(async () => {
    await road.end();
    await server.stop();
  });

  const inSource = async (sql: (index: number, each: Rewriting) => string) => {
    for (const [index, each] of rewritings.entries()) await road.bench.source.query(sql(index, each));
  };
  const found = async (table: string) => {
    const keys: unknown[] = [];
    for (const index of rewritings.keys())
      keys.push(
        ...(await road.warehouse.withClient(
          async (client) => (await client.query(`select k::text from ${table}_${index}`)).rows,
        )),
      );
    return keys;
  };
  const written = (form: 'before' | 'after') => rewritings.map((each) => ({ k: each[form] }));

  it('is in the warehouse as the source has it, of one row alone', async () => {
    await inSource(
      (index, { before }) => `insert into thing_${index} values ('${before}', 'first');
                              insert into event_${index} values ('${before}', 'first')`,
    );
    await road.run(model);
    expect(await found('dim')).toEqual(written('before'));
    expect(await found('fact')).toEqual(written('before'));
    await inSource(
      (index, { after }) =>
        `update thing_${index} set k = '${after}'; update event_${index} set k = '${after}'`,
    );
    await road.run(model);
    expect(await found('dim')).toEqual(written('after'));
    expect(await found('fact')).toEqual(written('after'));
  });

  it('is so as well when its fact has waited for the dimension meanwhile', async () => {
    await inSource((index) => `delete from thing_${index}; delete from event_${index}`);
    await road.warehouse.withClient(async (client) => {
      for (const index of rewritings.keys()) await client.query(`truncate fact_${index}, dim_${index}`);
    });
    await inSource((index, { before }) => `insert into event_${index} values ('${before}', 'waits')`);
    await road.run(model);
    expect(await found('starlift.parked_fact')).toEqual(written('before'));
    await inSource((index, { after }) => `update event_${index} set k = '${after}'`);
    await road.run(model);
    expect(await found('starlift.parked_fact')).toEqual(written('after'));
    await inSource((index, { before }) => `insert into thing_${index} values ('${before}', 'lands')`);
    await road.run(model);
    expect(await found('fact')).toEqual(written('after'));
    expect(await found('dim')).toEqual(written('before'));
  });
});
