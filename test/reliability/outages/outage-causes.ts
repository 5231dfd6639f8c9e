import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { withUser } from '../../helpers/inline-road/databases.ts';
import { serverUser } from '../../helpers/postgres/postgres-binaries.ts';
import type { PostgresServer } from '../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../helpers/seen.ts';

/** One database and the role that Starlift uses there. */
export interface Target {
  server: PostgresServer;
  database: string;
  role: string;
}

/** A way in which a database refuses. */
export interface OutageCause {
  name: string;
  /** What Postgres or the system calls it. */
  code: string;
  /** Begins it. @returns what ends it */
  begin(target: Target): Promise<() => Promise<void>>;
}

/** Runs statements as the server's owner in a database that is never taken away. */
async function administer({ server }: Target, ...statements: string[]): Promise<void> {
  const client = new pg.Client(server.url());
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

const endSessions = ({ database, role }: Target): string =>
  `select pg_terminate_backend(pid) from pg_stat_activity
    where datname = '${database}' and (usename = '${role}' or '${role}' = '') and pid <> pg_backend_pid()`;

/** A cause that one statement makes and another ends. */
const byStatement = (
  name: string,
  code: string,
  statements: (target: Target) => [begin: string, end: string],
): OutageCause => ({
  name,
  code,
  begin: async (target) => {
    const [begin, end] = statements(target);
    await administer(target, begin, endSessions(target));
    return () => administer(target, end);
  },
});

/** The server reads its settings a moment after it is told to. */
async function isPasswordRefused({ server, database, role }: Target): Promise<boolean> {
  const client = new pg.Client(withUser(server.url(database), role, 'a third'));
  try {
    await client.connect();
  } catch (error) {
    return (error as { code?: unknown }).code === '28P01';
  }
  await client.end();
  return false;
}

async function isShuttingDown(server: PostgresServer): Promise<boolean> {
  const client = new pg.Client(server.url());
  try {
    await client.connect();
  } catch (error) {
    return (error as { code?: unknown }).code === '57P03';
  }
  await client.end();
  return false;
}

export const outageCauses: OutageCause[] = [
  {
    name: 'the server is down',
    code: 'ECONNREFUSED',
    begin: async ({ server }) => {
      await server.kill('SIGINT');
      return () => server.restart();
    },
  },
  byStatement('the database allows no connections', '55000', ({ database }) => [
    `alter database ${database} allow_connections false`,
    `alter database ${database} allow_connections true`,
  ]),
  byStatement('the role may not log in', '28000', ({ role }) => [
    `alter role ${role} nologin`,
    `alter role ${role} login`,
  ]),
  {
    name: 'the role has another password',
    code: '28P01',
    begin: async (target) => {
      const { server, database, role } = target;
      const path = join(server.dataDir, 'pg_hba.conf');
      const before = await readFile(path, 'utf8');
      await writeFile(path, `host ${database} ${role} 127.0.0.1/32 scram-sha-256\n${before}`);
      await administer(target, `alter role ${role} password 'another'`, 'select pg_reload_conf()');
      await seen(() => isPasswordRefused(target));
      await administer(target, endSessions(target));
      return async () => {
        await writeFile(path, before);
        await administer(target, 'select pg_reload_conf()');
        await seen(async () => !(await isPasswordRefused(target)));
      };
    },
  },
  {
    name: 'the database has another name',
    code: '3D000',
    begin: async (target) => {
      const { database } = target;
      // Nobody may be connected to what is renamed.
      await administer(
        target,
        `alter database ${database} allow_connections false`,
        endSessions({ ...target, role: '' }),
        `alter database ${database} rename to ${database}_aside`,
      );
      return () =>
        administer(
          target,
          `alter database ${database}_aside rename to ${database}`,
          `alter database ${database} allow_connections true`,
        );
    },
  },
  byStatement('the role has no connection left', '53300', ({ role }) => [
    `alter role ${role} connection limit 0`,
    `alter role ${role} connection limit -1`,
  ]),
  {
    name: 'the server is shutting down',
    code: '57P03',
    begin: async (target) => {
      const { server } = target;
      // A smart shutdown waits for this session, and takes no other.
      const last = new pg.Client(server.url());
      last.on('error', () => {});
      await last.connect();
      const postmaster = Number(
        (await readFile(join(server.dataDir, 'postmaster.pid'), 'utf8')).split('\n')[0],
      );
      process.kill(postmaster, 'SIGTERM');
      await seen(() => isShuttingDown(server));
      // Only now: whoever is connected already would go on.
      await last.query(endSessions(target));
      return async () => {
        await last.end();
        await server.restart();
      };
    },
  },
];

/** Whether this machine lets the test make a file system of its own. */
export function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const folder = mkdtempSync(join(tmpdir(), 'starlift-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', folder], { stdio: 'pipe' });
    execFileSync('umount', [folder], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A small disk on which a database's tables lie. */
export class SmallTablespace {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Moves a database, to which nobody is connected, onto a disk of its own. */
  static async make(target: Target, size: string): Promise<SmallTablespace> {
    const folder = mkdtempSync(join(tmpdir(), 'starlift-small-disk-'));
    const { uid = 0, gid = 0 } = serverUser();
    execFileSync('mount', [
      '-t',
      'tmpfs',
      '-o',
      `size=${size},uid=${uid},gid=${gid},mode=700`,
      'none',
      folder,
    ]);
    await administer(
      target,
      `create tablespace small location '${folder}'`,
      `alter database ${target.database} set tablespace small`,
    );
    return new SmallTablespace(folder);
  }

  /** Takes what room there is. */
  async fill(): Promise<void> {
    const { bavail, bsize } = await statfs(this.#folder);
    await writeFile(this.#ballast, Buffer.alloc(bavail * bsize));
  }

  makeRoom(): Promise<void> {
    return rm(this.#ballast, { force: true });
  }

  remove(): void {
    execFileSync('umount', ['--lazy', this.#folder]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #ballast(): string {
    return join(this.#folder, 'ballast');
  }
}
