import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type PostgresServer, startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';
import { ask, assertExact, makeDataFolder, makeShop, removeFolder, runClean } from './road.ts';

describe('rows of long texts land', () => {
  let server: PostgresServer;
  let data: string;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    await makeShop(server, 'shop', 20);
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    data = await makeDataFolder();
  });
  afterEach(() => removeFolder(data));

  // A hexadecimal digit holds half a byte: zstd makes use of it, and the Snappy of a Parquet file does not.
  const hexadecimal = (md5s: number) =>
    `(select string_agg(md5(n::text || i::text), '') from generate_series(1, ${md5s}) i)`;

  it.each([
    [
      'that are smaller compressed than as Parquet',
      `insert into design select 1000 + n, ${hexadecimal(32)}, '/', 'f', now(), now() from generate_series(1, 13000) n`,
    ],
    [
      'that lie compressed in the source, in one block',
      `insert into design select 1000 + n, repeat(md5(n::text), 1000000), '/', 'f', now(), now() from generate_series(1, 3) n`,
    ],
    [
      'that nothing compresses, in one block',
      `insert into design select 1000 + n, ${hexadecimal(500000)}, '/', 'f', now(), now() from generate_series(1, 2) n`,
    ],
    [
      'that a join repeats, in more than one slice may have',
      `update department set location = ${hexadecimal(1500).replace('n::text', "'d'")};
       insert into staff select 1000 + n, 'A', 'B', (select min(department_id) from department), 'c', now(), now()
         from generate_series(1, 1500) n`,
    ],
  ])('%s', async (_, insert) => {
    const source = await server.createDatabase(`shop_${randomUUID()}`, 'shop');
    const warehouse = await server.createDatabase(`warehouse_${randomUUID()}`);
    await ask(source, insert);
    const road = { source, warehouse, data };
    const { tables } = await runClean(road);
    expect(tables.filter(({ failed, quarantined }) => failed + quarantined > 0)).toEqual([]);
    await assertExact(road);
  });
});
