import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type PostgresServer, startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';
import { runCommand } from '../helpers/processes/inline-command.ts';
import { type CommandResult, lastJson } from '../helpers/processes/starlift.ts';
import { seen, seenRow } from '../helpers/seen.ts';
import { ask, makeDataFolder, makeShop, optionsOf, type Road, removeFolder, runClean } from './road.ts';
import { startWatch, type Watch } from './watch.ts';

interface Found {
  ok: boolean;
  tables: { table: string; rows: number | null; snapshotAt: string | null }[];
  queues: unknown[];
  troubles: { kind: string; text: string; command: string }[];
}

/** Only the superuser needs no password. */
let rules: string;
let sources: PostgresServer;
let warehouses: PostgresServer;
let road: Road;
/** SIGKILL ends a stopped process, too. */
let watch: Watch | undefined;
let roads = 0;

beforeAll(async () => {
  rules = await mkdtemp(join(tmpdir(), 'starlift-hba-'));
  await chmod(rules, 0o755);
  await writeFile(
    join(rules, 'pg_hba.conf'),
    'host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n',
    { mode: 0o644 },
  );
  sources = await startTemporaryPostgres({ settings: { hba_file: join(rules, 'pg_hba.conf') } });
  warehouses = await startTemporaryPostgres();
  await makeShop(sources, 'shop', 50);
});
afterAll(async () => {
  await sources.stop();
  await warehouses.stop();
  await removeFolder(rules);
});
beforeEach(async () => {
  road = {
    source: await sources.createDatabase(`source${++roads}`, 'shop'),
    warehouse: await warehouses.createDatabase(`warehouse${roads}`),
    data: await makeDataFolder(),
  };
});
afterEach(async () => {
  await watch?.end();
  watch = undefined;
  await removeFolder(road.data);
});

const status = (...more: string[]): Promise<CommandResult> =>
  runCommand(['status', '--data', road.data, '--json', ...more]);
const find = async (...more: string[]) => {
  const result = await status(...more);
  return { code: result.code, ...lastJson<Found>(result) };
};
const startWatching = async () => {
  watch = startWatch(['--every', '1', ...optionsOf(road)]);
  await seenRow(road.warehouse, 'select from fact_payment');
  await seen(async () => (await find()).ok);
};

/** A role that may read, by which the source is captured. */
async function asReader(): Promise<string> {
  const role = `reader_${roads}`;
  await ask(
    road.source,
    `create role ${role} login password 'known'; grant select on all tables in schema public to ${role};
     grant pg_monitor to ${role}`,
  );
  const url = new URL(road.source);
  url.username = role;
  url.password = 'known';
  road = { ...road, source: url.href };
  return role;
}

describe('status beside a watch', () => {
  it('says that the source refuses the password, who is refused, and since when', async () => {
    const owner = road.source;
    const role = await asReader();
    await startWatching();
    await ask(owner, `alter role ${role} password 'changed'`);
    await ask(owner, `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}'`);
    const refused = `password.*${role}`;
    await seen(async () => (await find()).troubles.some(({ text }) => new RegExp(refused).test(text)));
    const { code, troubles } = await find();
    expect(code).toBe(1);
    expect(troubles[0]?.text).toMatch(
      /^the source does not answer(?: since [\d-]+ [\d:]+ UTC, tried .*)?: .*refused the password.*28P01/,
    );
    await ask(owner, `alter role ${role} password 'known'`);
    await watch?.end('SIGINT');
    await runClean(road);
    // The folder does not remember the password.
    expect(await find('--source', road.source)).toMatchObject({ code: 0, troubles: [] });
  });

  it('says within 3 s that its process does not answer, and shows what the databases say', async () => {
    await startWatching();
    process.kill(watch?.pid ?? 0, 'SIGSTOP');
    const usual = process.env.STATUS_WAIT_SECONDS;
    process.env.STATUS_WAIT_SECONDS = '';
    const begunAt = Date.now();
    const { code, tables, troubles } = await find();
    process.env.STATUS_WAIT_SECONDS = usual;
    // A process starts and ends in this time, too.
    expect(Date.now() - begunAt).toBeLessThan(20_000);
    expect(code).toBe(1);
    expect(troubles.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^the objects and queues, which process \d+ has, do not answer: /),
    ]);
    expect(tables.find(({ table }) => table === 'dim_staff')?.rows).toBeGreaterThan(0);
  });

  it('says that nobody is running any more', async () => {
    await startWatching();
    await watch?.end('SIGKILL');
    const { code, troubles } = await find();
    expect(code).toBe(1);
    expect(troubles.map(({ kind, text }) => [kind, text])).toEqual([
      [
        'not running',
        expect.stringMatching(
          /^nobody is running since .* UTC: process \d+ has ended unexpectedly; the warehouse is as of/,
        ),
      ],
    ]);
  });
});

describe('status', () => {
  it('shows queues and source while the warehouse is down', async () => {
    await runClean(road);
    await warehouses.kill('SIGINT');
    try {
      const { code, queues, troubles } = await find();
      expect([code, queues.length]).toEqual([1, 3]);
      expect(troubles.map(({ text }) => text)).toEqual([
        expect.stringMatching(/^the warehouse does not answer: the warehouse at .* cannot be reached/),
      ]);
      const { stdout } = await runCommand(['status', '--data', road.data]);
      expect(stdout).toContain(' transform |');
      expect(stdout).not.toContain('Nothing has been loaded yet');
      // What the warehouse has of the last run nobody can say.
      expect(stdout).toMatch(/Last run with changes: .* slices\.\n/);
    } finally {
      await warehouses.restart();
    }
  });

  it('prints commands that run as they are', async () => {
    await runClean(road);
    await ask(road.warehouse, 'truncate fact_payment');
    // The run may have ended less than a second ago.
    await seen(async () => (await find('--max-lag', '1s')).troubles.length > 1);
    const { troubles } = await find('--max-lag', '1s');
    expect(troubles.map(({ kind }) => kind).toSorted()).toEqual(['emptied', 'not running']);
    for (const kind of ['emptied', 'not running']) {
      const command = troubles.find((trouble) => trouble.kind === kind)?.command ?? '';
      const [, ...words] = command.split(' ').slice(1);
      expect([command, (await runCommand(words)).code]).toEqual([command, 0]);
    }
    expect((await find()).troubles).toEqual([]);
  });
});
