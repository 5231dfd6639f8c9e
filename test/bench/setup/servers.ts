import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import {
  embeddedBinaries,
  installedBinaries,
  runServerProgram,
  serverUser,
} from '../../helpers/postgres/postgres-binaries.ts';
import { type PostgresServer, startPostgresIn } from '../../helpers/postgres/postgres-server.ts';

/** The two servers that everything measured here works on. */
export interface BenchServers {
  source: PostgresServer;
  warehouse: PostgresServer;
  /** Their pids. */
  postmasters: number[];
  /** As `select version()` says it. */
  version: string;
  /** Writes out what is to be written, on both: no run pays for another one's. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

/** Beside what initdb sets. Autovacuum and checkpoints come when they like, and would hit one run and not another. */
export const serverSettings = {
  fsync: 'on',
  shared_buffers: '256MB',
  max_wal_size: '8GB',
  checkpoint_timeout: '1h',
  autovacuum: 'off',
};

/** Kept between runs: the source's databases take minutes to make. */
export const keptFolder = join(tmpdir(), `starlift-bench-${process.getuid?.() ?? 0}`);

/** Starts an installed Postgres where there is one, else the npm packages' Postgres 18; durable, unlike the tests'. */
export async function startBenchServers({ embedded }: { embedded: boolean }): Promise<BenchServers> {
  const binDir = (embedded ? undefined : installedBinaries()) ?? embeddedBinaries();
  const version = (await runServerProgram(binDir, 'postgres', ['--version'])).trim();
  await makeOpenFolder(keptFolder);
  await removeLeftovers(keptFolder);
  const kept = join(
    keptFolder,
    `source-${
      version
        .replace(/[^\d.]+/g, ' ')
        .trim()
        .split(' ')[0]
    }`,
  );
  const scratch = join(keptFolder, `warehouse-${process.pid}`);
  const source = await startIn(kept, binDir);
  const warehouse = await startIn(scratch, binDir);
  const checkpoint = (server: PostgresServer) => execute(server.url(), ['checkpoint']);
  return {
    source,
    warehouse,
    postmasters: [await pidOf(source), await pidOf(warehouse)],
    version,
    settle: async () => {
      await checkpoint(source);
      await checkpoint(warehouse);
    },
    stop: async () => {
      // Not stop(), which removes the data folder.
      await source.kill('SIGINT');
      await warehouse.stop();
    },
  };
}

/** @returns the rows of the last statement */
export async function execute<Row extends pg.QueryResultRow>(
  url: string,
  statements: readonly string[],
): Promise<Row[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    let rows: Row[] = [];
    for (const statement of statements) ({ rows } = await client.query<Row>(statement));
    return rows;
  } finally {
    await client.end();
  }
}

async function startIn(dataDir: string, binDir: string): Promise<PostgresServer> {
  if (!existsSync(join(dataDir, 'PG_VERSION'))) {
    await rm(dataDir, { recursive: true, force: true });
    await mkdir(dataDir);
    const { uid, gid } = serverUser();
    if (uid !== undefined && gid !== undefined) await chown(dataDir, uid, gid);
    const args = ['-D', dataDir, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C'];
    await runServerProgram(binDir, 'initdb', args);
  }
  try {
    return await startPostgresIn(dataDir, { binDir, settings: serverSettings });
  } catch (error) {
    if (!String(error).includes('postmaster.pid')) throw error;
    throw new Error(`another benchmark is running on ${dataDir}`, { cause: error });
  }
}

/** The server's OS user has to get through it. */
async function makeOpenFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
}

/** Of benchmarks that were killed: `run-<pid>-…` and `warehouse-<pid>`. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /^(?:run|warehouse)-(\d+)/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(folder, name), { recursive: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function pidOf({ dataDir }: PostgresServer): Promise<number> {
  const [pid = ''] = (await readFile(join(dataDir, 'postmaster.pid'), 'utf8')).split('\n');
  return Number(pid);
}
