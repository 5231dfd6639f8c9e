import { createHash, createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { connectTo } from '../../../cli/database/connect.ts';
import { makeDatabase } from '../../../shared/postgres/database.ts';
import { type DatabaseSecret, parseDatabaseSecret } from '../../../shared/postgres/database-secret.ts';
import { type RdsFront, startRdsFront } from '../../helpers/network/rds-front.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';

const host = 'warehouse.abc123.eu-west-3.rds.amazonaws.com';
const secretKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

describe('a secret that logs in by IAM', () => {
  let server: PostgresServer;
  let front: RdsFront;
  const environment = { ...process.env };

  beforeAll(async () => {
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: secretKey,
      AWS_SESSION_TOKEN: 'of a role',
      AWS_REGION: 'eu-west-2',
    });
    server = await startTemporaryPostgres();
    const admin = new pg.Client({ connectionString: server.url() });
    await admin.connect();
    await admin.query('create role asked login');
    await admin.query(`copy (select 'host all asked 127.0.0.1/32 password'
      union all select 'host all postgres 127.0.0.1/32 trust') to '${server.dataDir}/pg_hba.conf'`);
    await admin.query('select pg_reload_conf()');
    await admin.end();
    front = await startRdsFront(server, host, (token) => isSigned(token));
  });
  afterAll(async () => {
    process.env = environment;
    front?.close();
    await server?.stop();
  });

  /** As RDS has it, which knows its own name and the users that exist. */
  const read = (changes: Record<string, unknown> = {}): DatabaseSecret =>
    parseDatabaseSecret(
      's',
      JSON.stringify({
        ...{ host, port: 5432, dbname: 'postgres', username: 'postgres', auth: 'iam' },
        ...{ sslmode: 'verify-full', sslrootcert: front.certificate, ...changes },
      }),
    );
  const via = () => ({ host: '127.0.0.1', port: front.port });

  it('sends a token of the database and its user that AWS can check, and a new one for each connection', async () => {
    const before = front.tokens.length;
    for (const _ of [1, 2]) {
      const client = await connectTo(read(), 'warehouse', { via: via() });
      expect((await client.query('select current_user as name')).rows).toEqual([{ name: 'postgres' }]);
      await client.end();
      // The next one is signed at another second.
      await new Promise((resolve) => setTimeout(resolve, 1100));
    }
    const tokens = front.tokens.slice(before);
    expect(new Set(tokens).size).toBe(2);
    for (const token of tokens) {
      const url = new URL(`https://${token}`);
      expect(url.host).toBe(`${host}:5432`);
      expect(Object.fromEntries(url.searchParams)).toMatchObject({
        Action: 'connect',
        DBUser: 'postgres',
        'X-Amz-Credential': expect.stringMatching(/^AKIDEXAMPLE\/\d{8}\/eu-west-3\/rds-db\/aws4_request$/),
        'X-Amz-Expires': '900',
        'X-Amz-Security-Token': 'of a role',
      });
    }
  });

  it('is that of the functions, too, in the region that they are in where the name says none', async () => {
    const secret = read({ host: '127.0.0.1', port: front.port, sslmode: 'require', sslrootcert: undefined });
    const options = { what: 'warehouse', applicationName: 'test', maxConnections: 2 } as const;
    const database = makeDatabase(async () => secret, options);
    const before = front.tokens.length;
    try {
      await database.withClient(() => database.withClient((client) => client.query('select 1')));
    } finally {
      await database.end();
    }
    const tokens = front.tokens.slice(before);
    expect(tokens).toHaveLength(2);
    for (const token of tokens) expect(token).toMatch(/%2Feu-west-2%2Frds-db%2F/);
  });

  it('is refused with what the user and the role need', async () => {
    process.env.AWS_SECRET_ACCESS_KEY = 'another';
    try {
      await expect(connectTo(read(), 'warehouse', { via: via() })).rejects.toThrow(
        `the warehouse at ${host}:5432 via 127.0.0.1:${front.port} refused the IAM token of user postgres: PAM authentication failed for user. The user needs the role rds_iam, and these AWS credentials rds-db:connect on it`,
      );
    } finally {
      process.env.AWS_SECRET_ACCESS_KEY = secretKey;
    }
  });

  it.each(['disable', 'prefer'])('sends no token with sslmode %s', async (sslmode) => {
    const target = read({ host: '127.0.0.1', port: server.port, username: 'asked', sslmode });
    await expect(connectTo(target, 'source')).rejects.toThrow(
      `auth iam takes TLS: sslmode ${sslmode} would send the token of asked in the open`,
    );
  });
});

/**
 * Whether a token is a request that AWS would take, by the rules as AWS publishes them.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
function isSigned(token: string): boolean {
  const [target = '', query = ''] = token.split('/?');
  const parameters = new Map(query.split('&').map((each) => each.split('=') as [string, string]));
  const signature = parameters.get('X-Amz-Signature');
  parameters.delete('X-Amz-Signature');
  const sorted = [...parameters].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const canonicalQuery = sorted.map(([name, value]) => `${name}=${value}`).join('&');
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const canonical = ['GET', '/', canonicalQuery, `host:${target}`, '', 'host', sha256('')].join('\n');
  const [, ...scope] = decodeURIComponent(parameters.get('X-Amz-Credential') ?? '').split('/');
  const text = ['AWS4-HMAC-SHA256', parameters.get('X-Amz-Date'), scope.join('/'), sha256(canonical)].join(
    '\n',
  );
  const hmac = (key: Buffer | string, value: string) => createHmac('sha256', key).update(value).digest();
  const key = scope.reduce<Buffer | string>((known, part) => hmac(known, part), `AWS4${secretKey}`);
  return hmac(key, text).toString('hex') === signature;
}
