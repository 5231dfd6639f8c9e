import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { matchesKey } from '../../../shared/quarantine/collect-quarantine.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';

describe('the key of a quarantined row', () => {
  let server: PostgresServer;
  let client: pg.Client;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    client = new pg.Client(await server.createDatabase('warehouse'));
    await client.connect();
    // An operator's session may have any.
    await client.query(`set timezone = 'Asia/Kathmandu'`);
  });
  afterAll(async () => {
    await client.end();
    await server.stop();
  });

  it.each([
    ['int', '-7'],
    ['bigint', '9223372036854775807'],
    ['uuid', '123e4567-e89b-42d3-a456-426614174000'],
    ['text', `a'b"c\\d`],
    ['boolean', 'true'],
    ['numeric', '12.50'],
    ['date', '2024-02-29'],
    ['date', 'infinity'],
    ['time', '23:59:59.5'],
    ['timestamp', '2024-02-29 12:34:56.789'],
    ['timestamp', '0044-03-15 01:02:03 BC'],
    ['timestamp', '-infinity'],
    ['timestamptz', '2024-02-29 12:34:56.789+00'],
    ['timestamptz', '0044-03-15 01:02:03+00 BC'],
    ['timestamptz', 'infinity'],
  ])('of type %s is found by the text that an extract writes of %s', async (type, value) => {
    // What Postgres itself writes in a session like that of an extract.
    await client.query(`begin; set local timezone = 'UTC'`);
    const { rows: written } = await client.query<{ key: string }>(
      `select row_to_json(r) ->> 'key' as key from (select $1::${type} as key) r`,
      [value],
    );
    await client.query('commit');
    const { rows } = await client.query<{ isFound: boolean; isOther: boolean }>(
      `select ${matchesKey('t.k', '$2', type)} as "isFound", ${matchesKey('t.k', '$3', type)} as "isOther"
         from (select $1::${type} as k) t`,
      [value, written[0]?.key, type === 'int' || type === 'bigint' ? '8' : otherOf(type)],
    );
    expect(rows).toEqual([{ isFound: true, isOther: false }]);
  });
});

const otherOf = (type: string): string =>
  type === 'uuid' ? '00000000-0000-4000-8000-000000000000' : 'something else';
