import { execFile } from 'node:child_process';
import { chown, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, it } from '@jest/globals';
import pg from 'pg';
import type { PlanDeps } from '../../../../services/ingestion/plan/plan-run.ts';
import { serverUser } from '../../../helpers/postgres/postgres-binaries.ts';
import {
  makeServerFolder,
  type PostgresServer,
  startTemporaryPostgres,
} from '../../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../../helpers/seen.ts';
import { attach, endAll, startShop } from '../server/shop-servers.ts';
import { quietOptions, reasons, reported } from './quiet-plans.ts';

afterEach(endAll);

const bySummaries = {
  quiet: { ...quietOptions.quiet, summariesAgeSeconds: 3600 },
} satisfies Partial<PlanDeps>;
/** After its first look a table rests for as long as the test takes. */
const resting = { quiet: { ...quietOptions.quiet, restFactor: 1e9 } } satisfies Partial<PlanDeps>;

const copy = (from: string, to: string) => promisify(execFile)('cp', ['-Rp', `${from}/.`, to]);

async function insertPosition(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
  return rows[0]?.lsn ?? '';
}

/** Summaries reach to the last checkpoint. */
async function summarized(client: pg.Client): Promise<void> {
  const lsn = await insertPosition(client);
  await client.query('checkpoint');
  await seen(async () => (await timelinesFrom(client, lsn)).length > 0);
}

/** Of summaries that reach to this position. */
async function timelinesFrom(client: pg.Client, lsn: string): Promise<number[]> {
  const { rows } = await client.query<{ timeline: number }>(
    'select distinct tli::int as timeline from pg_available_wal_summaries() where end_lsn >= $1::pg_lsn',
    [lsn],
  );
  return rows.map(({ timeline }) => timeline);
}

/** Puts back what the server was, but for its summaries, and has it go on in a timeline of its own. */
async function restore(server: PostgresServer, backup: string): Promise<void> {
  await server.kill('SIGINT');
  const summaries = join(server.dataDir, 'pg_wal', 'summaries');
  const aside = await makeServerFolder();
  await copy(summaries, aside);
  for (const name of await readdir(server.dataDir)) {
    await rm(join(server.dataDir, name), { recursive: true, force: true });
  }
  await copy(backup, server.dataDir);
  await copy(aside, summaries);
  const signal = join(server.dataDir, 'recovery.signal');
  await writeFile(signal, '');
  const { uid, gid } = serverUser();
  if (uid !== undefined && gid !== undefined) await chown(signal, uid, gid);
  await server.restart();
  await rm(aside, { recursive: true, force: true });
}

it('a table is looked at as a whole where the summaries are of a log that the server has left by a restore', async () => {
  const settings = { autovacuum: 'off', summarize_wal: 'on', restore_command: 'false' };
  const [server, before] = await startShop(startTemporaryPostgres({ settings }));
  await before.source.query(`insert into item select n, repeat('x', 700), 0 from generate_series(3, 2000) n`);
  await before.source.query('vacuum item');
  const backup = await makeServerFolder();
  try {
    await server.kill('SIGINT');
    await copy(server.dataDir, backup);
    await server.restart();
    const lost = await attach(server, before);
    // The log of the restored server stays well behind this for as long as the test takes.
    await lost.source.query(
      `create table other as select repeat('x', 700) as note from generate_series(1, 6000)`,
    );
    await summarized(lost.source);
    await restore(server, backup);

    const bench = await attach(server, before);
    await seen(async () => {
      const { rows } = await bench.source.query('select pg_is_in_recovery() as recovers');
      return rows[0]?.recovers === false;
    });
    await bench.plan(bySummaries);
    await bench.extractAll();
    await reported(bench.source, 'update item set price = 5 where item_id = 7');
    await bench.plan(resting);
    await bench.extractAll();
    // Summaries reach beyond all that, and are another log's.
    expect(await timelinesFrom(bench.source, await insertPosition(bench.source))).toEqual([1]);
    expect(reasons(await bench.plan(bySummaries)).item).toBe('written to');
    await bench.extractAll();
    await bench.expectExact('item');
  } finally {
    await rm(backup, { recursive: true, force: true });
  }
});

it('a table is looked at as a whole where the whole database was written anew, as into another tablespace', async () => {
  const settings = { autovacuum: 'off', summarize_wal: 'on' };
  const [server, before] = await startShop(startTemporaryPostgres({ settings }));
  await before.source.query(`insert into item select n, repeat('x', 700), 0 from generate_series(3, 2000) n`);
  await before.source.query('vacuum item');
  await summarized(before.source);
  await before.plan(bySummaries);
  await before.extractAll();
  await reported(before.source, 'update item set price = 5 where item_id = 7');
  const folder = await makeServerFolder();
  try {
    const admin = new pg.Client(server.url());
    await admin.connect();
    await admin.query(`create tablespace other location '${folder}'`);
    await admin.query(`select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = 'shop'`);
    await admin.query('alter database shop set tablespace other');
    await admin.end();
    const bench = await attach(server, before);
    await bench.plan(resting);
    await bench.extractAll();
    await summarized(bench.source);
    expect(reasons(await bench.plan(bySummaries)).item).toBe('written to');
    await bench.extractAll();
    await bench.expectExact('item');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
