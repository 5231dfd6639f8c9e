import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';

export interface GuardedDatabase {
  /** The superuser's, who needs no password; the same for its connection. */
  url: string;
  admin: pg.Client;
  /** What the deployed functions get: a role of its own, its password, no TLS. */
  guardedUrl(): string;
  /** Of that role, now. */
  password(): string;
  /**
   * Gives the role another password and ends its connections, as a failover after a rotation does.
   *
   * @returns the SQLSTATE with which the server refuses the password that was
   */
  rotatePassword(): Promise<string>;
  /** Whether somebody waits for a lock of this table. */
  isAwaited(table: string): Promise<boolean>;
  stop(): Promise<void>;
}

const role = 'starlift';

/** Starts a Postgres of its own with an empty database and a role that has to show its password. */
export async function startGuardedDatabase(name: string): Promise<GuardedDatabase> {
  const server = await startTemporaryPostgres({ ownIdentity: true });
  const url = await server.createDatabase(name);
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  let password = 'first';
  await admin.query(`create role ${role} login password '${password}'`);
  await requirePassword(server.dataDir);
  await admin.query('select pg_reload_conf()');
  return {
    url,
    admin,
    guardedUrl: () =>
      `postgres://${role}:${encodeURIComponent(password)}@127.0.0.1:${server.port}/${name}?sslmode=disable`,
    password: () => password,
    rotatePassword: async () => {
      const previous = password;
      password = `${password} and another`;
      await admin.query(`alter role ${role} password '${password}'`);
      await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [role]);
      return refusalOf({
        host: '127.0.0.1',
        port: server.port,
        database: name,
        user: role,
        password: previous,
      });
    },
    isAwaited: (table) => isAwaited(url, table),
    stop: async () => {
      await admin.end();
      await server.stop();
    },
  };
}

/** The first line that fits a connection decides. */
async function requirePassword(dataDir: string): Promise<void> {
  const path = join(dataDir, 'pg_hba.conf');
  const rules = await readFile(path, 'utf8');
  await writeFile(path, `host all ${role} 127.0.0.1/32 scram-sha-256\n${rules}`);
}

async function refusalOf(connection: pg.ClientConfig): Promise<string> {
  const client = new pg.Client(connection);
  try {
    await client.connect();
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
  await client.end();
  return 'none';
}

/** By a connection of its own: the admin's may be the one that holds the lock. */
async function isAwaited(url: string, table: string): Promise<boolean> {
  const observer = new pg.Client({ connectionString: url });
  await observer.connect();
  try {
    const waits = 'select from pg_locks where relation = $1::regclass and not granted';
    return (await observer.query(waits, [table])).rows.length > 0;
  } finally {
    await observer.end();
  }
}
