import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { carried, defineDimension, int } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { type ModelRoad, makeModelRoad } from './model-road.ts';

const table = (name: string, sql: string) =>
  defineDimension({
    name,
    source: { table: name, key: ['id'], columns: { id: 'int4', v: 'other', w: 'other?' } },
    key: ['id'],
    columns: { id: int('id'), v: carried(sql, 'v'), w: carried('interval', 'w', { nullable: true }) },
  });

let server: PostgresServer;
let road: ModelRoad;
beforeAll(async () => {
  server = await startTemporaryPostgres();
  road = await makeModelRoad(await server.createDatabase('source'), await server.createDatabase('warehouse'));
  const values = { numbers: ['12', 'secret'], lengths: ['abc', 'abcd'], bits: ['101', '1011'] };
  for (const [name, [good, bad]] of Object.entries(values)) {
    await road.bench.source.query(`
      create table ${name} (id int primary key, v text not null, w interval);
      insert into ${name}
      select n, case n when 700 then '${bad}' else '${good}' end, '1 day' from generate_series(1, 1000) n;
      grant select on ${name} to reader`);
  }
});
afterAll(async () => {
  await road.end();
  await server.stop();
});

const modelOf = (name: string, sql: string) => assembleModel({ name, tables: [table(name, sql)] });
const countIn = (name: string) =>
  road.warehouse.withClient(
    async (client) => (await client.query(`select count(*)::int from ${name}`)).rows[0],
  );

it('a value that the warehouse cannot read as its column’s type is named by column and key, and never shown', async () => {
  const message = await road.run(modelOf('numbers', 'integer')).then(
    () => 'loaded',
    ({ message }: Error) => message,
  );
  expect(message).toMatch(
    /^"public"\."numbers"\."v" cannot be integer in the row \("id"\) = \(700\): .*22P02/,
  );
  expect(message).not.toContain('secret');
  expect(await countIn('numbers')).toEqual({ count: 0 });
});

it('a value that is longer than its column is refused, and never cut', async () => {
  await expect(road.run(modelOf('lengths', 'character varying(3)'))).rejects.toThrow(/too long/);
  await expect(road.run(modelOf('bits', 'bit(3)'))).rejects.toThrow(/bit string length 4/);
  expect([await countIn('lengths'), await countIn('bits')]).toEqual([{ count: 0 }, { count: 0 }]);
});
