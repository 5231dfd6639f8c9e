import { mkdir } from 'node:fs/promises';
import { createServer, connect as netConnect, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from '../../../cli/database/connect.ts';
import { UsageError } from '../../../cli/terminal/usage-error.ts';
import { findFreePort } from '../../helpers/network/free-port.ts';
import { giveCertificate } from '../../helpers/postgres/server-certificate.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../helpers/seen.ts';

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
      `the source at ${address} asks for a password of user reader: set PGPASSWORD, or add a line to ~/.pgpass`,
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

  const isEncrypted = async (parameters = ''): Promise<unknown> => {
    const client = await connect(`postgres://postgres@${address}/postgres${parameters}`, 'source');
    const { rows } = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    await client.end();
    return rows[0]?.ssl;
  };

  it('goes on without TLS where the server has none, unless TLS is asked for', async () => {
    expect(await isEncrypted()).toBe(false);
    expect(await isEncrypted('?sslmode=prefer')).toBe(false);
    expect(await refusal(`postgres://postgres@${address}/postgres?sslmode=require`)).toBe(
      `the source at ${address} refused the connection: The server does not support SSL connections`,
    );
  });

  it('over TLS needs a certificate of an authority that is known here, unless it is told not to look', async () => {
    await giveCertificate(server);
    const client = await connect(`postgres://postgres@${address}/postgres`, 'source');
    await client.query('alter system set ssl = on');
    await client.query('select pg_reload_conf()');
    await client.end();
    // The server reads its settings a moment later.
    await seen(async () => (await isEncrypted()) === true);
    expect(await isEncrypted('?sslmode=prefer')).toBe(true);
    expect(await isEncrypted('?sslmode=disable')).toBe(false);
    const encrypted = await connect(`postgres://postgres@${address}/postgres?sslmode=require`, 'source');
    const { rows } = await encrypted.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    expect(rows).toEqual([{ ssl: true }]);
    await encrypted.end();
    expect(await refusal(`postgres://postgres@${address}/postgres?sslmode=verify-full`)).toBe(
      `the source at ${address} shows a certificate of an authority unknown here: NODE_EXTRA_CA_CERTS names its file (RDS: global-bundle.pem)`,
    );
  });

  it('over TLS that is refused at the login goes on without TLS, as libpq does, unless TLS is asked for', async () => {
    const admin = await connect(`postgres://postgres@${address}/postgres`, 'source');
    const hba = async (...lines: string[]) => {
      const all = ['host all postgres 127.0.0.1/32 trust', ...lines].map((line) => `select '${line}'`);
      await admin.query(`copy (${all.join(' union all ')}) to '${server.dataDir}/pg_hba.conf'`);
      await admin.query('select pg_reload_conf()');
    };
    const plain = `postgres://plain:s3cret@${address}/postgres`;
    await admin.query(`create role plain login password 's3cret'`);
    try {
      await hba('hostnossl all plain 127.0.0.1/32 scram-sha-256');
      const isPlain = async (parameters: string) => {
        const client = await connect(plain + parameters, 'source');
        const { rows } = await client.query(
          'select ssl, current_user as name from pg_stat_ssl where pid = pg_backend_pid()',
        );
        await client.end();
        return rows;
      };
      // The server reads its rules a moment later.
      await seen(() =>
        isPlain('?sslmode=disable').then(
          () => true,
          () => false,
        ),
      );
      for (const parameters of ['', '?sslmode=prefer'])
        expect(await isPlain(parameters)).toEqual([{ ssl: false, name: 'plain' }]);
      expect(await refusal(`${plain}?sslmode=require`)).toMatch(
        /refused the connection: no pg_hba\.conf entry for host .* user "plain", database "postgres", SSL encryption$/,
      );
      expect(await refusal(plain.replace('s3cret', 'wrong'))).toBe(
        `the source at ${address} refused the password of user plain`,
      );
      // And where only TLS is taken, what is said of the way without it hides nothing.
      await hba('hostssl all plain 127.0.0.1/32 scram-sha-256');
      await seen(async () =>
        (await refusal(`${plain}?sslmode=disable`).catch(() => '')).includes('no encryption'),
      );
      expect(await refusal(plain.replace('s3cret', 'wrong'))).toBe(
        `the source at ${address} refused the password of user plain`,
      );
      expect(await refusal(plain.replace('/postgres', '/nowhere'))).toBe(
        `the source at ${address} has no database nowhere`,
      );
    } finally {
      await hba('host all all 127.0.0.1/32 scram-sha-256');
      await admin.end();
    }
  });

  it('over TLS that cannot be agreed upon goes on without TLS', async () => {
    const asked: string[] = [];
    const gate = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (first) => {
        // https://www.postgresql.org/docs/current/protocol-message-formats.html: SSLRequest
        const isTlsAsked = first.length === 8 && first.readInt32BE(4) === 80877103;
        asked.push(isTlsAsked ? 'TLS' : 'plain');
        if (isTlsAsked) {
          socket.write('S');
          socket.once('data', () => socket.destroy());
          return;
        }
        const onward = netConnect(server.port, '127.0.0.1').on('error', () => {});
        onward.write(first);
        socket.pipe(onward).pipe(socket);
      });
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => gate.once('listening', resolve));
    const { port } = gate.address() as { port: number };
    const client = await connect(`postgres://postgres@127.0.0.1:${port}/postgres`, 'source');
    const { rows } = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    await client.end();
    await new Promise((resolve) => gate.close(resolve));
    expect([asked, rows]).toEqual([['TLS', 'plain'], [{ ssl: false }]]);
  });

  it('checks a certificate by the authority that the URL names', async () => {
    const authority = `sslrootcert=${join(server.dataDir, 'server.crt')}`;
    // The certificate is of localhost.
    const url = `postgres://postgres@localhost:${server.port}/postgres?sslmode=verify-full&${authority}`;
    const client = await connect(url, 'source');
    const { rows } = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    expect(rows).toEqual([{ ssl: true }]);
    await client.end();
    expect(await refusal(url.replace('@localhost', '@127.0.0.1'))).toMatch(/127\.0\.0\.1/);
    const nameless = url.replace('@localhost', '@127.0.0.1').replace('verify-full', 'require');
    await (await connect(nameless, 'source')).end();
    const other = join(server.dataDir, 'other');
    await mkdir(other);
    await giveCertificate({ dataDir: other });
    const stranger = `postgres://postgres@${address}/postgres?sslmode=require&sslrootcert=${join(other, 'server.crt')}`;
    expect(await refusal(stranger)).toMatch(
      /^the source at .* shows a certificate of an authority unknown here/,
    );
  });

  it('brings options and an application name to the server', async () => {
    const parameters = 'options=-c%20search_path%3Dstar&application_name=nightly%20load';
    const client = await connect(`postgres://postgres@${address}/postgres?${parameters}`, 'source');
    const { rows } = await client.query(
      `select current_setting('search_path') as path, current_setting('application_name') as name`,
    );
    expect(rows).toEqual([{ path: 'star', name: 'nightly load' }]);
    await client.end();
  });

  it.each([
    ['', ['any', 'read-write', 'primary'], ['read-only', 'standby'], 'a primary that takes writes'],
    [
      '&options=-c%20default_transaction_read_only%3Don',
      ['any', 'read-only', 'primary'],
      ['read-write', 'standby'],
      'a read-only primary',
    ],
  ])(
    'with %j takes a server of the kind that target_session_attrs asks for',
    async (more, taken, refused, kind) => {
      const url = (wanted: string) =>
        `postgres://postgres@${address}/postgres?target_session_attrs=${wanted}${more}`;
      for (const wanted of taken) await (await connect(url(wanted), 'warehouse')).end();
      for (const wanted of refused)
        expect(await refusal(url(wanted), 'warehouse')).toBe(
          `the warehouse at ${address} is ${kind}, and target_session_attrs asks for ${wanted}: name another server`,
        );
    },
  );

  it('waits no longer for a server that says nothing than connect_timeout says', async () => {
    const silent: Server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    const startedAt = Date.now();
    expect(await refusal(`postgres://me:s3cret@127.0.0.1:${port}/shop?connect_timeout=1`)).toBe(
      `the source at 127.0.0.1:${port} cannot be reached (no answer in 1 second)`,
    );
    expect(Date.now() - startedAt).toBeLessThan(5000);
    silent.close();
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
