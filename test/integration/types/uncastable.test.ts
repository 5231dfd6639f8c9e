import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  carried,
  dateOf,
  defineDimension,
  defineFact,
  int,
  timeOf,
  varchar,
} from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { calendar } from '../../helpers/models/calendar.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { type ModelRoad, makeModelRoad } from './model-road.ts';

const table = (name: string, sql: string) =>
  defineDimension({
    name,
    source: { table: name, key: ['id'], columns: { id: 'int4', v: 'other', w: 'other?' } },
    key: ['id'],
    columns: { id: int('id'), v: carried(sql, 'v'), w: carried('interval', 'w', { nullable: true }) },
  });

/** A fact whose key has two parts and whose version is a date and a time. */
const reading = defineFact({
  name: 'fact_reading',
  source: {
    table: 'reading',
    key: ['place', 'no'],
    columns: { place: 'varchar', no: 'int8', at: 'timestamp', span: 'other' },
  },
  key: ['place', 'no'],
  versions: ['at_date', 'at_time'],
  columns: {
    place: varchar('place'),
    no: { ...int('no'), type: { name: 'bigint' } },
    at_date: dateOf('at'),
    at_time: timeOf('at'),
    span: carried('int4range', 'span'),
  },
});

let server: PostgresServer;
let road: ModelRoad;
beforeAll(async () => {
  server = await startTemporaryPostgres();
  road = await makeModelRoad(await server.createDatabase('source'), await server.createDatabase('warehouse'));
});
afterAll(async () => {
  await road.end();
  await server.stop();
});

/** A thousand rows, some of which have a value that is none of the warehouse's type. */
async function makeTable(name: string, values: readonly (readonly [id: number, value: string])[]) {
  await road.bench.source.query(`
    create table ${name} (id int primary key, v text not null, w interval);
    grant select on ${name} to reader`);
  await road.bench.source.query(
    `insert into ${name} select n, coalesce((select bad.v from unnest($1::int[], $2::text[]) bad (id, v) where bad.id = n), $3),
                                '1 day' from generate_series(1, 3000) n`,
    [values.map(([id]) => id), values.map(([, value]) => value), values[0]?.[1]],
  );
}

const modelOf = (name: string, sql: string) => assembleModel({ name, tables: [table(name, sql)] });
const ask = (sql: string) =>
  road.warehouse.withClient(async (client) => (await client.query({ text: sql, rowMode: 'array' })).rows);

describe('a row of which the warehouse cannot read a value', () => {
  it.each([
    ['numbers', 'integer', '12', 'not a number, "and secret"', '22P02'],
    ['lengths', 'character varying(3)', 'abc', 'abcd', '22001'],
    ['bits', 'bit(3)', '101', '1011', '22026'],
    ['sets', 'integer[]', '{1,2}', '{1,2', '22P02'],
    ['documents', 'jsonb', '{"a": 1}', '{"a": "\\u0000"}', '22P05'],
    ['large', 'integer', '1', '99999999999999999999', '22003'],
  ])(
    'goes to quarantine, and the others of its object land: %s as %s',
    async (name, sql, good, bad, state) => {
      await makeTable(name, [
        [1, good],
        [700, bad],
        [1001, bad],
        [3000, bad],
      ]);
      await road.run(modelOf(name, sql));
      const expected = [700, 1001, 3000];
      expect(await ask(`select count(*)::int, sum(id)::int from ${name}`)).toEqual([
        [2997, 4_501_500 - 700 - 1001 - 3000],
      ]);
      const rows = road.quarantined().get(name) ?? [];
      expect(rows.map(({ key, column }) => [key, column])).toEqual(expected.map((id) => [id, 'v']));
      for (const { reason, row } of rows) {
        expect(reason).toMatch(new RegExp(`^cannot be ${sql.replace(/[()[\]]/g, '\\$&')}: .*${state}\\)$`));
        // What the value is stands in the row, as of any row in quarantine, and nowhere else.
        expect(reason).not.toContain('secret');
        expect(JSON.parse(row ?? '')).toMatchObject({ v: bad, w: '1 day' });
      }
      expect(
        await ask(
          `select rows::int, quarantined::int from starlift.object where warehouse_table = '${name}'`,
        ),
      ).toEqual([[2997, 3]]);
    },
  );

  it('is shown with its whole key and its version', async () => {
    await road.bench.source.query(`
      create table reading (place text, no bigint, at timestamp not null, span text not null, primary key (place, no));
      grant select on reading to reader;
      insert into reading values ('a', 1, '2024-02-29 23:59:59.5', '[1,2)'), ('b', 9007199254740993, '2024-02-29 01:00', '[2,1)')`);
    await road.run(assembleModel({ name: 'readings', tables: [calendar, reading] }));
    const [row] = road.quarantined().get('fact_reading') ?? [];
    expect(row).toMatchObject({ key: ['b', '9007199254740993'], column: 'span' });
    expect(row?.row).toContain('"at":"2024-02-29T01:00:00"');
    expect(await ask('select place from fact_reading')).toEqual([['a']]);
  });

  it('that is corrected in the source lands, and does so once', async () => {
    await road.bench.source.query(`update numbers set v = '13' where id = 700`);
    await road.run(modelOf('numbers', 'integer'));
    expect(await ask('select v from numbers where id = 700')).toEqual([[13]]);
    expect(await ask('select count(*)::int from numbers')).toEqual([[2998]]);
  });

  it('is none where all of its column is: the object says so, and no row of it lands', async () => {
    await road.bench.source.query(`
      create table wrong (id int primary key, v text not null, w interval);
      grant select on wrong to reader;
      insert into wrong select n, 'secret', null from generate_series(1, 10001) n`);
    const message = await road.run(modelOf('wrong', 'integer')).then(
      () => 'loaded',
      (error: Error) => error.message,
    );
    expect(message).toMatch(
      /^"public"\."wrong"\."v" cannot be integer: .*22P02\) in the row with the key 1, and so in more than 10000 others/,
    );
    expect(message).not.toContain('secret');
    expect(await ask('select count(*)::int from wrong')).toEqual([[0]]);
  });
});
