import { rm } from 'node:fs/promises';
import { describe } from '@jest/globals';
import { installedBinaries } from './postgres-binaries.ts';
import { startPostgresIn } from './postgres-server.ts';
import {
  makeServerFolder,
  type PostgresServer,
  startInstalledPostgres,
  type TemporaryPostgresOptions,
} from './temporary-postgres.ts';

/** `describe` for tests that need server programs beyond the npm binaries'. Without them it skips, loudly. */
export function describeWithInstalledPostgres(name: string, tests: () => void): void {
  if (installedBinaries() !== undefined) {
    describe(name, tests);
    return;
  }
  process.stderr.write(
    `\nNOT TESTED: ${name}. No Postgres server is installed on this machine (looked in /usr/lib/postgresql and ` +
      'asked pg_config); its pg_basebackup and pg_resetwal are needed.\n\n',
  );
  describe.skip(name, tests);
}

export async function startInstalled(options?: TemporaryPostgresOptions): Promise<PostgresServer> {
  const server = await startInstalledPostgres(options);
  if (server === undefined) throw new Error('no Postgres server is installed');
  return server;
}

/** A copy of a running server on a port of its own: a restored backup, or a standby of it. */
export async function startCopy(
  server: PostgresServer,
  kind: 'backup' | 'standby',
  settings: Record<string, string> = {},
): Promise<PostgresServer> {
  const folder = await makeServerFolder();
  const source = ['-h', '127.0.0.1', '-p', String(server.port), '-U', 'postgres'];
  const options = ['-D', folder, '-X', 'stream', '-c', 'fast', '--no-sync'];
  try {
    await server.run('pg_basebackup', [...source, ...options, ...(kind === 'standby' ? ['-R'] : [])]);
    return await startPostgresIn(folder, { binDir: server.binDir, settings });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
