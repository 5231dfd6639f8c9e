import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { copyIn } from '../../../shared/postgres/copy-in.ts';
import { copyOut } from '../../../shared/postgres/copy-out.ts';
import { giveCertificate } from '../../helpers/postgres/server-certificate.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';

async function connect(server: PostgresServer, ssl: pg.ClientConfig['ssl']): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: server.url(), ...(ssl === undefined ? {} : { ssl }) });
  await client.connect();
  return client;
}

describe('a COPY over TLS', () => {
  let server: PostgresServer;
  let client: pg.Client;

  beforeAll(async () => {
    server = await startTemporaryPostgres({});
    const plain = await connect(server, undefined);
    await giveCertificate(server);
    await plain.query('alter system set ssl = on');
    await plain.end();
    await server.restart();
    client = await connect(server, { rejectUnauthorized: false });
  });
  afterAll(async () => {
    await client.end();
    await server.stop();
  });

  it('goes out and in again, with waits on both sides', async () => {
    const { rows } = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    expect(rows).toEqual([{ ssl: true }]);
    const chunks: Buffer[] = [];
    const sql = "copy (select i, repeat('é', i % 50) from generate_series(1, 200000) i) to stdout";
    const out = await copyOut(client, sql, async (chunk) => {
      chunks.push(Buffer.from(chunk));
      await nextTurn();
    });
    await client.query('create temporary table target (i int, t text)');
    expect(await copyIn(client, 'copy target from stdin', chunks)).toEqual(out);
    const check = await client.query(
      "select count(*)::int from target join generate_series(1, 200000) s (i) using (i) where t = repeat('é', i % 50)",
    );
    expect(check.rows).toEqual([{ count: 200_000 }]);
  });

  it('closes the connection when the receiver fails, and nothing else ends', async () => {
    const doomed = await connect(server, { rejectUnauthorized: false });
    const copy = copyOut(doomed, 'copy (select generate_series(1, 100000000)) to stdout', async () => {
      await nextTurn();
      throw new RangeError('disk full');
    });
    await expect(copy).rejects.toThrow(RangeError);
    await expect(doomed.query('select 1')).rejects.toThrow(/not queryable/);
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });
});
