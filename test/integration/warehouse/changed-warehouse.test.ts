import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { RefusedError } from '../../../shared/errors.ts';
import type { PostgresServer } from '../../helpers/postgres/temporary-postgres.ts';
import { ensure, inNewDatabase, postgresVersions } from './each-postgres.ts';

describe.each(postgresVersions)('a warehouse on %s', (_, start) => {
  let server: PostgresServer | undefined;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server?.stop());

  it.each([
    ['LATIN1', 'refused'],
    ['SQL_ASCII', 'made'],
    ['UTF8', 'made'],
  ])('in the encoding %s is %s', (encoding, outcome) =>
    inNewDatabase(server, async (client) => {
      // Temporary servers have dropped it, and only a template of this name may be copied into another encoding.
      await client.query('create database template0').catch(() => {});
      await client.query(`create database encoded encoding '${encoding}' locale 'C' template template0`);
      const encoded = new pg.Client(server?.url('encoded'));
      await encoded.connect();
      try {
        const refused = ensure(encoded).then(
          () => 'made',
          (error: RefusedError) => (/encoding LATIN1/.test(error.message) ? `refused by ${error.by}` : error),
        );
        expect(await refused).toBe(outcome === 'made' ? 'made' : 'refused by warehouse');
      } finally {
        await encoded.end();
        await client.query('drop database encoded');
      }
    }),
  );

  it.each([
    ['alter table dim_staff drop column location cascade', 'column location (character varying) is missing'],
    [
      'drop view dim_staff_current; alter table dim_staff alter staff_id type bigint',
      'column staff_id is bigint, and must be integer',
    ],
    ['alter table dim_staff alter location set not null', 'column location is not null, and must allow null'],
    [
      'alter table dim_staff add boss int not null',
      'column boss (integer not null) is not in the model and has no default',
    ],
    ['alter table dim_staff drop constraint dim_staff_pkey cascade', 'it has no unique index on (staff_id)'],
  ])('that was changed by %s is refused in one line', (change, difference) =>
    inNewDatabase(server, async (client) => {
      await ensure(client);
      await client.query(change);
      await expect(ensure(client)).rejects.toMatchObject({
        name: 'TerminalError',
        table: 'dim_staff',
        message: `the warehouse's table public.dim_staff is not the model's: ${difference}`,
      });
    }),
  );
});
