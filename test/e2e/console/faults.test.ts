import { existsSync } from 'node:fs';
import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import type { Trace } from '../../../cli/trace/trace.ts';
import { assertWithin } from '../../helpers/busy-machine.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { type ConsoleClient, connectToConsole } from '../../helpers/processes/console-client.ts';
import { runCommand } from '../../helpers/processes/inline-command.ts';
import { seen } from '../../helpers/seen.ts';
import { ask, assertExact, makeDataFolder, makeShop, optionsOf, type Road, removeFolder } from '../road.ts';
import { startWatch, type Watch } from '../watch.ts';

// Processes of their own, and the machine may be busy.
jest.setTimeout(300_000);

/** Of the watch. */
const everySeconds = 5;

describe('the console of a watch says', () => {
  let folder: string;
  let sources: PostgresServer;
  let warehouses: PostgresServer;
  /** Of the source's owner, who needs no password. */
  let owner: string;
  let road: Road;
  let watch: Watch;
  let served: ConsoleClient;
  /** From the stack on. */
  let secondsToPage: number;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starlift-hba-'));
    await chmod(folder, 0o755);
    const rules = join(folder, 'pg_hba.conf');
    await writeFile(
      rules,
      'host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n',
      { mode: 0o644 },
    );
    sources = await startTemporaryPostgres({ settings: { hba_file: rules } });
    warehouses = await startTemporaryPostgres();
    owner = await makeShop(sources, 'shop', 50);
    await ask(
      owner,
      `create role reader login password 'known'; grant select on all tables in schema public to reader;
       grant pg_monitor to reader`,
    );
    const source = new URL(owner);
    [source.username, source.password] = ['reader', 'known'];
    road = {
      source: source.href,
      warehouse: await warehouses.createDatabase('warehouse'),
      data: await makeDataFolder(),
    };
    watch = startWatch(['--every', String(everySeconds), ...optionsOf(road), '--console']);
    await seen(() => existsSync(join(road.data, 'stack.json')));
    const stackAt = performance.now();
    const link = () => /http:\/\/127\.0\.0\.1:\d+\/#\S+/.exec(watch.output())?.[0];
    await seen(() => link() !== undefined);
    served = connectToConsole(link() ?? '');
    await served.untilSnapshot(({ status }) => status !== null);
    secondsToPage = (performance.now() - stackAt) / 1000;
    await untilWell();
  });
  afterAll(async () => {
    await watch?.end();
    await Promise.all([sources?.stop(), warehouses?.stop()]);
    await Promise.all([folder, road?.data].map((each) => each && removeFolder(each)));
  });

  const untilWell = () =>
    served.untilSnapshot(
      ({ status }) => status?.ok === true && status.tables.every(({ rows }) => (rows ?? 0) > 0),
    );
  const trace = (table: string, key: number) => served.ask<Trace>(`/api/trace?table=${table}&key=${key}`);

  /** Does harm, and waits for the sentence that says so, within two intervals where the machine is not busy. */
  async function untilSaid(sentence: RegExp, harm: () => Promise<unknown>): Promise<void> {
    const said = served.untilSnapshot(
      ({ status }) => status?.troubles.some(({ text }) => sentence.test(text)) === true,
    );
    await harm();
    const harmedAt = performance.now();
    const { status } = await said;
    const seconds = (performance.now() - harmedAt) / 1000;
    expect(status?.ok).toBe(false);
    assertWithin(seconds, 2 * everySeconds);
  }

  it('how all is, soon after its stack is there', () => {
    assertWithin(secondsToPage, 3);
  });

  it('that a table is locked, and by whom', async () => {
    expect((await trace('fact_sales_order', 1)).verdict.kind).toBe('same');
    const holder = new pg.Client(owner);
    await holder.connect();
    const { rows } = await holder.query<{ pid: number }>('select pg_backend_pid() as pid');
    await untilSaid(new RegExp(`sales_order.* is locked by pid ${rows[0]?.pid}`), () =>
      holder.query('begin; lock table sales_order in access exclusive mode'),
    );
    await holder.end();
    await untilWell();
  });

  it('that a row is in quarantine, and of the row why', async () => {
    await untilSaid(/fact_payment/, () =>
      ask(owner, `update payment set payment_date = '2026-99-01', last_updated = now() where payment_id = 5`),
    );
    expect((await trace('fact_payment', 5)).verdict).toMatchObject({ kind: 'quarantined' });
    await ask(
      owner,
      `update payment set payment_date = '2026-09-01', last_updated = now() where payment_id = 5`,
    );
    await untilWell();
  });

  it('that a column is gone which the model reads', async () => {
    await untilSaid(/design.*file_name|file_name.*design/, () =>
      ask(owner, 'alter table design rename column file_name to dropped'),
    );
    await ask(owner, 'alter table design rename column dropped to file_name');
    await untilWell();
  });

  it('that the warehouse does not answer', async () => {
    await untilSaid(/^the warehouse does not answer/, () => warehouses.kill('SIGINT'));
    await warehouses.restart();
    await untilWell();
  });

  it('that the source refuses the password, and whose', async () => {
    await untilSaid(/^the source does not answer.*refused the password of user reader.*28P01/, () =>
      ask(
        owner,
        `alter role reader password 'changed';
         select pg_terminate_backend(pid) from pg_stat_activity where usename = 'reader'`,
      ),
    );
    await ask(owner, `alter role reader password 'known'`);
    await untilWell();
  });

  it('of a row that it is late, waits or was deleted', async () => {
    const kindOf = async (table: string, key: number) => (await trace(table, key)).verdict.kind;
    // Readers pass, loads do not.
    const holder = new pg.Client(road.warehouse);
    await holder.connect();
    await holder.query('begin; lock table fact_sales_order in share row exclusive mode');
    await ask(owner, 'update sales_order set units_sold = 7, last_updated = now() where sales_order_id = 1');
    await seen(async () => (await kindOf('fact_sales_order', 1)) === 'late');
    await holder.end();
    await seen(async () => (await kindOf('fact_sales_order', 1)) === 'same');

    await ask(
      owner,
      `alter table payment drop constraint payment_counterparty_id_fkey;
       update payment set counterparty_id = 99999, last_updated = now() where payment_id = 6`,
    );
    await seen(async () => (await kindOf('fact_payment', 6)) === 'waiting');
    expect((await trace('fact_payment', 6)).verdict.text).toContain('dim_counterparty 99999');
    await ask(owner, 'update payment set counterparty_id = 1, last_updated = now() where payment_id = 6');
    await ask(owner, 'delete from payment where payment_id = 7');
    await seen(async () => {
      const { versions } = await trace('fact_payment', 7);
      return versions.some(({ deleted }) => deleted !== null);
    }, 180);
    expect(await kindOf('fact_payment', 7)).toBe('deleted');
    // Its version that waits is one of its own.
    const drop = ['waiting', '--drop', '--table', 'fact_payment', '--data', road.data];
    expect(await runCommand(drop)).toMatchObject({ code: 0 });
    await seen(async () => (await runCommand(['status', '--data', road.data])).code === 0);
    await assertExact({ ...road, source: owner });
  });
});
