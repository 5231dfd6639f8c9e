import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { chown, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { embeddedBinaries, installedBinaries, runServerProgram, serverUser } from './postgres-binaries.ts';
import { type PostgresServer, startPostgresIn } from './postgres-server.ts';

export type { PostgresServer } from './postgres-server.ts';

export interface TemporaryPostgresOptions {
  /** Server settings, as on postgres -c. */
  settings?: Record<string, string>;
  /**
   * Run initdb anew (about a second more). Without it the data folder is a copy, and all temporary servers
   * of one version share their system_identifier.
   */
  ownIdentity?: boolean;
}

/**
 * Starts an empty Postgres 18 (the npm binaries) on 127.0.0.1 and a free port, superuser postgres without
 * a password, data in the temp folder. Not durable: fsync is off.
 *
 * @example
 * const server = await startTemporaryPostgres({ settings: { max_prepared_transactions: '10' } });
 * const url = await server.createDatabase('shop');
 * await server.stop();
 */
export async function startTemporaryPostgres(
  options: TemporaryPostgresOptions = {},
): Promise<PostgresServer> {
  return startFrom(embeddedBinaries(), options);
}

/** The same with the Postgres server that the machine has installed; undefined when it has none. */
export async function startInstalledPostgres(
  options: TemporaryPostgresOptions = {},
): Promise<PostgresServer | undefined> {
  const binDir = installedBinaries();
  return binDir === undefined ? undefined : startFrom(binDir, options);
}

/** Makes a new folder in the temp folder that the server's OS user owns. The caller removes it. */
export async function makeServerFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'starlift-postgres-'));
  const { uid, gid } = serverUser();
  if (uid !== undefined && gid !== undefined) await chown(folder, uid, gid);
  return folder;
}

/** The same with the programs of this folder. */
export async function startFrom(
  binDir: string,
  options: TemporaryPostgresOptions = {},
): Promise<PostgresServer> {
  const dataDir = await makeServerFolder();
  try {
    if (options.ownIdentity === true) await initialise(binDir, dataDir);
    else await promisify(execFile)('cp', ['-Rp', `${await makeTemplate(binDir)}/.`, dataDir]);
    return await startPostgresIn(dataDir, { binDir, settings: options.settings ?? {} });
  } catch (error) {
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  }
}

// Kept between test runs; made aside and renamed, so that a Jest worker never copies half a template.
async function makeTemplate(binDir: string): Promise<string> {
  const { mtimeMs, size } = statSync(join(binDir, 'postgres'));
  const origin = [binDir, mtimeMs, size, ...initialisation, smaller].join(' ');
  const key = createHash('sha256').update(origin).digest('hex').slice(0, 12);
  const template = join(tmpdir(), `starlift-postgres-template-${process.getuid?.() ?? 0}-${key}`);
  if (existsSync(join(template, 'PG_VERSION'))) return template;
  const aside = await makeServerFolder();
  await initialise(binDir, aside);
  await makeSmaller(binDir, aside);
  try {
    await rename(aside, template);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    if (!existsSync(join(template, 'PG_VERSION'))) throw error;
  }
  return template;
}

// Small segments of the log: a server of 16 MB ones writes 16 MB before its first row.
const initialisation = [
  ...['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
  '--wal-segsize=1',
];

async function initialise(binDir: string, dataDir: string): Promise<void> {
  await runServerProgram(binDir, 'initdb', ['-D', dataDir, ...initialisation]);
}

// What is copied for each server is written anew each time, and most of it nobody looks at.
const smaller = `
  update pg_database set datistemplate = false where datname = 'template0';
  drop database template0;
`;

async function makeSmaller(binDir: string, dataDir: string): Promise<void> {
  const settings = ['fsync=off', 'min_wal_size=2MB', 'max_wal_size=2MB', 'wal_recycle=off'];
  const args = ['--single', '-D', dataDir, ...settings.flatMap((setting) => ['-c', setting]), 'postgres'];
  // A statement a line.
  await runServerProgram(binDir, 'postgres', args, smaller);
}
