import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { type EnsureOptions, ensureWarehouse } from '../../../shared/warehouse/ensure-warehouse.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import {
  type PostgresServer,
  startInstalledPostgres,
  startTemporaryPostgres,
} from '../../helpers/postgres/temporary-postgres.ts';

type Start = () => Promise<PostgresServer | undefined>;

/** The versions of Postgres that a machine can have: a test's name and how to start one, undefined without it. */
export const postgresVersions: [name: string, start: Start][] = [
  ['the npm Postgres 18', () => startTemporaryPostgres()],
  ['the installed Postgres', startInstalledOrSaySo],
];

async function startInstalledOrSaySo(): Promise<PostgresServer | undefined> {
  const server = await startInstalledPostgres();
  if (server === undefined) process.stderr.write('NOT TESTED: this machine has no installed Postgres\n');
  return server;
}

/** Runs the work in a database of its own, if there is a server to have it on. */
export async function inNewDatabase(
  server: PostgresServer | undefined,
  work: (client: pg.Client) => Promise<void>,
): Promise<void> {
  if (server === undefined) return;
  const client = new pg.Client({ connectionString: await server.createDatabase(`w${randomUUID()}`) });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/** The warehouse of the project's model. */
export const ensure = (client: pg.Client, options: Partial<EnsureOptions> = {}) =>
  ensureWarehouse(client, totesys, { schema: 'public', foreignKeys: 'declared', ...options });
