import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { runCommand } from '../../helpers/processes/inline-command.ts';
import { lastJson } from '../../helpers/processes/starlift.ts';
import { seen, seenRow } from '../../helpers/seen.ts';
import {
  ask,
  assertExact,
  makeDataFolder,
  makeShop,
  optionsOf,
  type Road,
  removeFolder,
  runClean,
} from '../road.ts';
import { startRun, type Watch } from '../watch.ts';

const extractLock = 42;

let server: PostgresServer;
let current: Watch | undefined;
let folders = 0;
let killed: Road;

beforeAll(async () => {
  server = await startTemporaryPostgres();
  await makeShop(server, 'shop', 300);
  killed = await makeRoad();
  await killAfterThePlan(killed);
});
afterAll(async () => {
  await server.stop();
  await removeFolder(killed.data);
});
afterEach(async () => {
  await current?.end();
});

async function makeRoad(): Promise<Road & AsyncDisposable> {
  const number = ++folders;
  const data = await makeDataFolder();
  return {
    source: await server.createDatabase(`source_${number}`, 'shop'),
    warehouse: await server.createDatabase(`warehouse_${number}`),
    data,
    [Symbol.asyncDispose]: () => removeFolder(data),
  };
}

const nameOf = (url: string) => new URL(url).pathname.slice(1);

const queueFile = ({ data }: Road, name = 'fauxqs.db') => join(data, 'cloud', name);

/** The objects' files, each as its key. */
const objectFiles = ({ data }: Road, zone: 'ingested' | 'processed'): string[] => {
  try {
    const root = join(data, 'zones', zone);
    return readdirSync(root, { recursive: true })
      .map(String)
      .filter((name) => statSync(join(root, name), { throwIfNoEntry: false })?.isFile());
  } catch {
    return [];
  }
};

/** Whether a plan is complete: it writes the capture state at its begin as well, without what it has captured. */
const hasCaptured = (road: Road): boolean =>
  objectFiles(road, 'ingested').some(
    (name) =>
      name === 'state/capture.json' &&
      readFileSync(join(road.data, 'zones/ingested', name), 'utf8').includes('"captured"'),
  );

/** No extract can log in: a first load stays where its plan has left it. */
async function holdExtracts({ source }: Road): Promise<() => Promise<void>> {
  const holder = new pg.Client(source);
  holder.on('error', () => {});
  await holder.connect();
  await holder.query(`
    create function wait_at_login() returns event_trigger language plpgsql as $$
    begin
      if current_setting('application_name') = 'starlift-extract' then
        perform pg_advisory_lock_shared(${extractLock});
      end if;
    end $$;
    create event trigger hold_extracts on login execute function wait_at_login();
    select pg_advisory_lock(${extractLock})`);
  return async () => {
    await holder.query('drop event trigger hold_extracts; drop function wait_at_login');
    await holder.end();
  };
}

/** Every extract fails for good, and leaves a dead letter and its record. */
/** Extracts log in as a role that may read nothing; the plan's sessions are not theirs. */
async function refuseExtracts({ source }: Road): Promise<void> {
  await ask(
    source,
    `create role may_read_nothing;
     create function lower_rights() returns event_trigger language plpgsql as $$
     begin
       if current_setting('application_name') = 'starlift-extract' then
         set role may_read_nothing;
       end if;
     end $$;
     create event trigger refuse_extracts on login execute function lower_rights()`,
  );
}

const removeQueues = (road: Road): void => {
  for (const suffix of ['', '-wal', '-shm']) rmSync(queueFile(road) + suffix, { force: true });
};

/** A first load that dies when its plan is complete and nothing is extracted yet. */
async function killAfterThePlan(road: Road): Promise<void> {
  const release = await holdExtracts(road);
  try {
    current = startRun(optionsOf(road));
    await seen(() => hasCaptured(road));
    expect(await current.end('SIGKILL')).toMatchObject({ code: null });
  } finally {
    await release();
  }
  expect(objectFiles(road, 'ingested').filter((name) => name.endsWith('.ndjson.zst'))).toEqual([]);
  // The workers end after their parent, and a database with sessions cannot be copied.
  await seenRow(
    server.url(),
    `select where not exists (select from pg_stat_activity where datname = '${nameOf(road.warehouse)}')`,
  );
}

/** A copy of the folder and the warehouse of one load that was killed so. Its source is one: loads only read it. */
async function copyKilledRoad(): Promise<Road & AsyncDisposable> {
  const data = await makeDataFolder();
  cpSync(killed.data, data, { recursive: true });
  return {
    source: killed.source,
    warehouse: await server.createDatabase(`warehouse_${++folders}`, nameOf(killed.warehouse)),
    data,
    [Symbol.asyncDispose]: () => removeFolder(data),
  };
}

async function expectExactAndWell(road: Road): Promise<void> {
  await assertExact(road);
  const status = await runCommand(['status', ...optionsOf(road), '--json']);
  expect(status.code).toBe(0);
  expect(lastJson(status)).toMatchObject({ ok: true, troubles: [] });
}

const payments = ({ warehouse }: Road) => ask(warehouse, 'select count(*) from fact_payment');

describe('a first load that was killed', () => {
  it('is carried on with, where the queues have lost what was not written to their file yet', async () => {
    await using road = await copyKilledRoad();
    rmSync(queueFile(road, 'fauxqs.db-wal'));
    const { code, stdout } = await runCommand(['run', ...optionsOf(road)]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('carrying on') });
    await expectExactAndWell(road);
    expect(await payments(road)).toEqual(await ask(road.source, 'select count(*) from payment'));
  });

  it('is carried on with, and nothing is sent twice, where the queues are whole', async () => {
    await using road = await copyKilledRoad();
    const { code, stdout } = await runCommand(['run', ...optionsOf(road)]);
    const told = expect.stringContaining('carrying on (0 messages sent again)');
    expect({ code, stdout }).toEqual({ code: 0, stdout: told });
    await expectExactAndWell(road);
    expect((await runCommand(['run', ...optionsOf(road)])).stdout).not.toContain('carrying on');
  });

  it.each([
    ['its beginning', 0],
    ['its middle', 0.5],
  ])(
    "is carried on with, where the queues' file is damaged at %s and removed as the message says",
    async (_where, at) => {
      await using road = await copyKilledRoad();
      // What SQLite does at an orderly end: it writes all to the one file.
      const { DatabaseSync } = await import('node:sqlite');
      const database = new DatabaseSync(queueFile(road));
      database.exec('pragma wal_checkpoint(truncate)');
      database.close();
      const bytes = readFileSync(queueFile(road));
      const page = 4096;
      const from = Math.floor((bytes.length * at) / page) * page;
      bytes.fill(0xa5, from, from + 2 * page);
      writeFileSync(queueFile(road), bytes);

      const refused = await runCommand(['run', ...optionsOf(road)]);
      expect(refused.code).not.toBe(0);
      const named = /(\/\S*fauxqs\.db)\b/.exec(refused.stderr)?.[1] ?? '';
      expect(named).toBe(queueFile(road));
      expect(refused.stderr).toContain('remove');
      for (const suffix of ['', '-wal', '-shm']) rmSync(named + suffix, { force: true });

      const { code, stdout } = await runCommand(['run', ...optionsOf(road)]);
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('carrying on') });
      await expectExactAndWell(road);
    },
  );
});

describe('new queues with an older capture state', () => {
  it('are given again what they had lost, also where another command has made them, and nothing twice', async () => {
    await using road = await copyKilledRoad();
    // As an orderly end leaves it.
    writeFileSync(join(road.data, 'unfinished.json'), 'null');
    removeQueues(road);
    await runCommand(['status', ...optionsOf(road)]);
    const { stdout } = await runCommand(['run', ...optionsOf(road)]);
    expect(stdout).toContain('sent again');
    await expectExactAndWell(road);
    expect((await runCommand(['run', ...optionsOf(road)])).stdout).not.toContain('sent again');
  });
});

describe('failed extracts whose dead letters the queues have lost', () => {
  it('stay failures until an operator sends them again, and then are not lost with their messages', async () => {
    await using road = await makeRoad();
    await refuseExtracts(road);
    expect((await runCommand(['run', ...optionsOf(road)])).code).toBe(1);
    await ask(road.source, 'drop event trigger refuse_extracts');
    removeQueues(road);
    const status = async () =>
      lastJson<{ deadLetters: unknown[] }>(await runCommand(['status', ...optionsOf(road), '--json']));
    const failed = (await status()).deadLetters.length;
    expect(failed).toBeGreaterThan(5);
    // What has failed is the operator's: a run leaves it alone.
    expect((await runCommand(['run', ...optionsOf(road)])).code).toBe(1);
    expect((await status()).deadLetters).toHaveLength(failed);

    expect((await runCommand(['redrive', ...optionsOf(road)])).code).toBe(0);
    expect((await status()).deadLetters).toEqual([]);
    removeQueues(road);
    expect((await runCommand(['run', ...optionsOf(road)])).code).toBe(0);
    await expectExactAndWell(road);
    expect(objectFiles(road, 'ingested').filter((name) => name.includes('failed'))).toEqual([]);
  });
});

describe('a processed object that the folder has lost with its rows', () => {
  it('is loaded by the run that carries on after a kill', async () => {
    await using road = await makeRoad();
    await runClean(road);
    for (const table of ['dim_design', 'fact_payment']) {
      const name =
        objectFiles(road, 'processed').find(
          (each) => each.startsWith(`${table}/`) && each.endsWith('.parquet'),
        ) ?? '';
      rmSync(join(road.data, 'zones', 'processed', name));
      await ask(road.warehouse, `delete from ${table} where ${table.split('_')[1]}_id between 3 and 7`);
    }
    writeFileSync(join(road.data, 'unfinished.json'), JSON.stringify({ pid: 1 }));
    // As a power loss may leave what was written just before it.
    writeFileSync(join(road.data, 'through.json'), '');
    await runClean(road);
    await expectExactAndWell(road);
  });
});
