import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect as connectSocket, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { cancelStatement } from '../../../cli/database/cancel-statement.ts';
import { connectTo } from '../../../cli/database/connect.ts';
import type { DatabaseSecret } from '../../../shared/postgres/database-secret.ts';
import type { Address } from '../../../shared/postgres/tunnel-socket.ts';
import { startTcpProxy, type TcpProxy } from '../../helpers/network/tcp-proxy.ts';
import { giveCertificate } from '../../helpers/postgres/server-certificate.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../helpers/seen.ts';

/** Nothing resolves it: whoever reaches it has come by the tunnel. */
const host = 'db.cluster.example';

describe('a database at the end of a tunnel', () => {
  let server: PostgresServer;
  let tunnel: TcpProxy;
  let via: Address;
  let secret: DatabaseSecret;

  beforeAll(async () => {
    server = await startTemporaryPostgres();
    await giveCertificate(server, host);
    const admin = new pg.Client({ connectionString: server.url() });
    await admin.connect();
    await admin.query('alter system set ssl = on');
    await admin.query('select pg_reload_conf()');
    await admin.end();
    tunnel = await startTcpProxy(server.port);
    via = { host: 'localhost', port: tunnel.port };
    const sslrootcert = await readFile(join(server.dataDir, 'server.crt'), 'utf8');
    const target = { host, port: 5432, dbname: 'postgres', username: 'postgres', password: '' };
    secret = { ...target, sslmode: 'verify-full', sslrootcert };
    // The server reads its settings a moment later.
    await seen(() => isEncrypted(secret));
  });
  afterAll(async () => {
    await tunnel?.close();
    await server?.stop();
  });

  const isEncrypted = async (target: DatabaseSecret): Promise<boolean> => {
    const client = await connectTo(target, 'warehouse', { via });
    const { rows } = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    await client.end();
    return rows[0]?.ssl === true;
  };

  it('is reached with its own name checked', async () => {
    expect(await isEncrypted(secret)).toBe(true);
    await expect(connectTo(secret, 'warehouse')).rejects.toThrow(
      /^the warehouse at db\.cluster\.example:5432 cannot be reached/,
    );
  });

  it('is refused where the certificate is of another name', async () => {
    for (const other of ['other.cluster.example', '10.0.0.5'])
      await expect(connectTo({ ...secret, host: other }, 'warehouse', { via })).rejects.toThrow(
        `the warehouse at ${other}:5432 via localhost:${tunnel.port} shows a certificate of another name: Hostname/IP does not match`,
      );
  });

  it('goes on without TLS by the tunnel where the handshake fails', async () => {
    const asked: string[] = [];
    const gate = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (first) => {
        // https://www.postgresql.org/docs/current/protocol-message-formats.html: SSLRequest
        const isTlsAsked = first.length === 8 && first.readInt32BE(4) === 80_877_103;
        asked.push(isTlsAsked ? 'TLS' : 'plain');
        if (isTlsAsked) {
          socket.write('S');
          socket.once('data', () => socket.destroy());
          return;
        }
        const onward = connectSocket(server.port, '127.0.0.1').on('error', () => {});
        onward.write(first);
        socket.pipe(onward).pipe(socket);
      });
    }).listen(0, '127.0.0.1');
    await once(gate, 'listening');
    const { port } = gate.address() as AddressInfo;
    const preferred = { ...secret, sslmode: 'prefer', sslrootcert: '' } as const;
    await (await connectTo(preferred, 'warehouse', { via: { host: '127.0.0.1', port } })).end();
    gate.close();
    expect(asked).toEqual(['TLS', 'plain']);
  });

  it('breaks off a statement by the tunnel', async () => {
    const client = await connectTo(secret, 'warehouse', { via });
    const refused = expect(client.query('select pg_sleep(50)')).rejects.toMatchObject({ code: '57014' });
    await cancelStatement(client);
    await refused;
    await client.end();
  });

  it('is named with the near end where that is closed', async () => {
    const closed = await startTcpProxy(server.port);
    await closed.close();
    await expect(
      connectTo(secret, 'source', { via: { host: '127.0.0.1', port: closed.port } }),
    ).rejects.toThrow(
      `the source at db.cluster.example:5432 via 127.0.0.1:${closed.port} cannot be reached (ECONNREFUSED)`,
    );
  });

  it("is refused where the certificate is the near end's", async () => {
    await giveCertificate(server, 'localhost');
    const sslrootcert = await readFile(join(server.dataDir, 'server.crt'), 'utf8');
    const admin = new pg.Client({ connectionString: server.url() });
    await admin.connect();
    await admin.query('select pg_reload_conf()');
    await admin.end();
    // The server reads its certificate a moment later.
    await seen(() => isEncrypted({ ...secret, sslrootcert, host: 'localhost' }));
    await expect(connectTo({ ...secret, sslrootcert }, 'warehouse', { via })).rejects.toThrow(
      /Hostname\/IP does not match certificate's altnames: Host: db\.cluster\.example\./,
    );
  });
});
