import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { connect } from '../../../cli/connect.ts';
import { UsageError } from '../../../cli/usage-error.ts';
import { findFreePort } from '../../helpers/free-port.ts';
import { giveCertificate } from '../../helpers/server-certificate.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/temporary-postgres.ts';

// A server starts, and the machine may be busy.
jest.setTimeout(60_000);

describe('connecting to a database', () => {
  let server: PostgresServer;
  let address: string;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    address = `127.0.0.1:${server.port}`;
    const client = await connect(server.url(), 'source');
    await client.query(`create role reader login password 'p@ss:w/rd%'; create role nobody_home nologin`);
    // From here on, passwords count.
    await client.query(`copy (select 'host all postgres 127.0.0.1/32 trust'
      union all select 'host all all 127.0.0.1/32 scram-sha-256') to '${server.dataDir}/pg_hba.conf'`);
    await client.query('select pg_reload_conf()');
    await client.end();
  });
  afterAll(() => server?.stop());

  const refusal = async (url: string, what: 'source' | 'warehouse' = 'source'): Promise<string> => {
    const error = await connect(url, what).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!(error instanceof UsageError))
      throw new Error('it was not refused with a UsageError', { cause: error });
    expect(error.exitCode).toBe(2);
    expect(error.message).not.toMatch(/s3cret|\n/);
    return error.message;
  };

  it('is made with a password of special characters, percent-encoded', async () => {
    const client = await connect(`postgres://reader:p%40ss%3Aw%2Frd%25@${address}/postgres`, 'source');
    const { rows } = await client.query<{ name: string }>('select current_user as name');
    expect(rows).toEqual([{ name: 'reader' }]);
    await client.end();
  });

  it('names a wrong password by its user', async () => {
    expect(await refusal(`postgres://reader:s3cret@${address}/postgres`)).toBe(
      `the source at ${address} refused the password of user reader`,
    );
  });

  it('asks for a password that was not given', async () => {
    expect(await refusal(`postgres://reader@${address}/postgres`)).toBe(
      `the source at ${address} asks for a password of user reader`,
    );
  });

  it('names a database that is not there', async () => {
    expect(await refusal(`postgres://postgres:s3cret@${address}/nowhere`, 'warehouse')).toBe(
      `the warehouse at ${address} has no database nowhere`,
    );
  });

  it('names a port that nobody listens on', async () => {
    const port = await findFreePort();
    expect(await refusal(`postgres://me:s3cret@127.0.0.1:${port}/shop`)).toBe(
      `the source at 127.0.0.1:${port} cannot be reached (ECONNREFUSED)`,
    );
    expect(await refusal(`postgres://me:s3cret@localhost:${port}/shop`)).toBe(
      `the source at localhost:${port} cannot be reached (ECONNREFUSED)`,
    );
  });

  it('names a host that does not exist', async () => {
    expect(await refusal('postgres://me:s3cret@no-such-host.invalid/shop')).toMatch(
      /^the source at no-such-host\.invalid:5432 cannot be reached \(E[A-Z_]+\)$/,
    );
  });

  it('says of a server that is no Postgres that it hung up', async () => {
    const other: Server = createServer((socket) => socket.resume().end()).listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    expect(await refusal(`postgres://me:s3cret@127.0.0.1:${port}/shop`)).toBe(
      `the source at 127.0.0.1:${port} hung up: is it a Postgres server?`,
    );
    await new Promise((resolve) => other.close(resolve));
  });

  it.each([
    'not a url s3cret',
    'mysql://me:s3cret@127.0.0.1/shop',
    'postgres://me:s3cret@127.0.0.1:99999/shop',
    'postgres://me:s3cret%@127.0.0.1/shop',
    'postgres://me:s3cret@127.0.0.1/',
  ])('names the option of the malformed %s', async (url) => {
    expect(await refusal(url, 'warehouse')).toMatch(/^--warehouse /);
  });

  it('over TLS needs a certificate of an authority that is known here, unless it is told not to look', async () => {
    await giveCertificate(server);
    const client = await connect(`postgres://postgres@${address}/postgres`, 'source');
    await client.query('alter system set ssl = on');
    await client.query('select pg_reload_conf()');
    await client.end();
    const seen = await connect(`postgres://postgres@${address}/postgres?sslmode=require`, 'source');
    const { rows } = await seen.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    expect(rows).toEqual([{ ssl: true }]);
    await seen.end();
    expect(await refusal(`postgres://postgres@${address}/postgres?sslmode=verify-full`)).toBe(
      `the source at ${address} shows a certificate of an authority unknown here: NODE_EXTRA_CA_CERTS names its file (RDS: global-bundle.pem)`,
    );
  });

  it('outlives its server: the next statement says so, and the process does not end', async () => {
    const client = await connect(`postgres://postgres@${address}/postgres`, 'source');
    const other = await connect(`postgres://postgres@${address}/postgres`, 'source');
    const gone = new Promise((resolve) => client.once('end', resolve));
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    await other.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    await gone;
    await expect(client.query('select 1')).rejects.toThrow();
    await other.end();
  });
});
