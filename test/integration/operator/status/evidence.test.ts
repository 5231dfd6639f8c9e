import { existsSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { PurgeQueueCommand } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { parseCommand } from '../../../../cli/parse-command.ts';
import { openEmbeddedSite } from '../../../../cli/site/embedded/embedded-site.ts';
import type { OpenedSite } from '../../../../cli/site/site.ts';
import { readStatus } from '../../../../cli/status/read-status.ts';
import type { Status } from '../../../../cli/status/status.ts';
import { makeTerminal } from '../../../../cli/terminal/terminal.ts';
import { formatObjectKey, formatRunId, formatRunKey } from '../../../../shared/object-store/object-key.ts';
import { formatRunRecord } from '../../../../shared/records/plan/run-record.ts';
import { totesys } from '../../../helpers/models/totesys.ts';
import { seen } from '../../../helpers/seen.ts';
import { OperatedStack } from '../operated-stack.ts';

let stack: OperatedStack;
beforeEach(async () => {
  stack = await OperatedStack.startLoaded();
});
afterEach(() => stack.stop());

const status = (...more: string[]) => stack.json<Status>('status', ...more);
const troublesOf = ({ troubles }: Status) => troubles.map(({ text, command }) => [text, command]);
const count = async (table: string) =>
  Number((await stack.warehouse<{ n: string }>(`select count(*) as n from ${table}`))[0]?.n);

describe('status says that a warehouse table', () => {
  it('was truncated, with its rows and the command that rebuilds it', async () => {
    const loaded = await count('fact_payment');
    expect(loaded).toBeGreaterThan(1000);
    await stack.warehouse('truncate fact_payment');
    const found = await status();
    expect([found.code, troublesOf(found)]).toEqual([
      1,
      [
        [
          `fact_payment was emptied or replaced: ${loaded.toLocaleString('en')} rows were loaded, it holds 0`,
          `npx starlift rebuild fact_payment --data ${stack.data}`,
        ],
      ],
    ]);
  });

  it('was dropped, before a run and after it', async () => {
    const loaded = await count('fact_sales_order');
    await stack.warehouse('drop table fact_sales_order cascade');
    const dropped = [
      `the warehouse no longer has fact_sales_order: ${loaded.toLocaleString('en')} rows were loaded into it`,
      `npx starlift rebuild fact_sales_order --data ${stack.data}`,
    ];
    expect(troublesOf(await status())).toContainEqual(dropped);
    // Whether or not the run's report is complete, it does not make the table anew.
    await stack.run().catch(() => undefined);
    expect(troublesOf(await status())).toContainEqual(dropped);
  });

  it.each([
    {
      damage: 'drop table fact_payment cascade',
      text: /^the warehouse no longer has fact_payment: [\d,]+ rows were loaded into it$/,
      command: 'rebuild fact_payment',
    },
    {
      damage: 'alter table fact_payment rename to kept',
      text: /^the warehouse no longer has fact_payment: [\d,]+ rows were loaded into it$/,
      command: 'rebuild fact_payment',
    },
    {
      damage: 'drop table fact_payment cascade; drop table dim_staff cascade',
      text: /^the warehouse no longer has dim_staff: [\d,]+ rows were loaded into it; the warehouse no longer has fact_payment: [\d,]+ rows were loaded into it$/,
      command: 'rebuild dim_staff fact_payment',
    },
    {
      damage: 'truncate fact_payment',
      text: /^fact_payment was emptied or replaced: [\d,]+ rows were loaded, it holds 0$/,
      command: 'rebuild fact_payment',
      loads: 'it is there',
    },
    {
      damage: 'revoke select on fact_payment, dim_staff from warehouse',
      text: /^warehouse may not read dim_staff, fact_payment in the warehouse \(SQLSTATE 42501\)\. Their owner can allow it: grant select, insert, update, delete on dim_staff, fact_payment to "warehouse"$/,
      command: 'run',
    },
    {
      damage: 'truncate dim_date',
      text: /^dim_date was emptied or replaced: [\d,]+ rows were loaded, it holds 0$/,
      command: 'rebuild dim_date',
      loads: 'they add the days that they name',
    },
  ])('is not as it was after $damage, in one finding that a run prints alike', async (damaged) => {
    await stack.troublesOfRun();
    await stack.warehouse(damaged.damage);
    const found = await status();
    expect([found.code, troublesOf(found)]).toEqual([
      1,
      [[expect.stringMatching(damaged.text), `npx starlift ${damaged.command} --data ${stack.data}`]],
    ]);
    const lines = found.troubles.flatMap(({ text, command }) => [`! ${text}`, `    ${command}`]);
    expect(await stack.troublesOfRun()).toEqual(lines);
    if (damaged.loads !== undefined) return;
    // Not that no row waits.
    await expect(stack.command('waiting')).rejects.toThrow('so what waits is unknown. For what to do: npx');
    // A change for it costs a failed load, which is no second finding.
    await stack.source('update payment set paid = not paid where payment_id = 1');
    expect(await stack.troublesOfRun()).toEqual(lines);
    expect(troublesOf(await status())).toEqual(troublesOf(found));
    // And needs no second command.
    if (!damaged.command.startsWith('rebuild')) return;
    expect((await stack.command(...damaged.command.split(' '))).code).toBe(0);
    expect(await stack.troublesOfRun()).toEqual([]);
    expect(troublesOf(await status())).toEqual([]);
    expect(await stack.differences()).toEqual([]);
  });

  it('is the calendar, and is made again with all days that facts name', async () => {
    await stack.troublesOfRun();
    const days = () =>
      stack.warehouse(`select count(distinct d.date_id) as days from fact_payment f join dim_date d
        on d.date_id in (f.created_date, f.last_updated_date, f.payment_date)`);
    const before = await days();
    await stack.warehouse('drop table dim_date cascade');
    const loaded = expect.stringMatching(
      /^the warehouse no longer has dim_date: [\d,]+ rows were loaded into it$/,
    );
    expect(troublesOf(await status())).toEqual([
      [loaded, `npx starlift rebuild dim_date --data ${stack.data}`],
    ]);
    expect(await stack.troublesOfRun()).toEqual([]);
    expect(await days()).toEqual(before);
    expect(await stack.differences()).toEqual([]);
    expect(troublesOf(await status())).toEqual([]);
  });

  it('has the rows that it has, and not those that were ever loaded into it', async () => {
    await stack.source(`update staff set first_name = 'again', last_updated = now()`);
    await stack.run();
    const { tables } = await status();
    for (const { table, rows, versions } of tables) {
      expect({ table, rows }).toEqual({ table, rows: await count(table) });
      expect(versions).toBeGreaterThanOrEqual(rows ?? Number.NaN);
    }
    const staff = tables.find(({ table }) => table === 'dim_staff');
    expect(staff?.versions).toBe(2 * (staff?.rows ?? 0));
  });
});

describe('status says that the warehouse', () => {
  it('has gone back, with what is missing', async () => {
    await stack.warehouse(
      `delete from starlift.object where object_id in (select object_id from starlift.object order by object_id desc limit 3)`,
    );
    const found = await status();
    expect(found.code).toBe(1);
    expect(troublesOf(found)).toContainEqual([
      expect.stringMatching(
        /^the warehouse has gone back to [\d-]+ [\d:]+ UTC \(restored\?\): 3 objects are missing$/,
      ),
      `npx starlift run --data ${stack.data}`,
    ]);
  });

  it('has lost its ledger, and not that nothing has been loaded yet', async () => {
    const [objects] = await stack.warehouse<{ n: string }>('select count(*) as n from starlift.object');
    await stack.warehouse('drop schema starlift cascade');
    const { code, text } = await stack.command('status');
    expect(code).toBe(1);
    expect(text).not.toContain('Nothing has been loaded yet');
    expect(text).toContain(
      `the warehouse has lost its ledger (restored?): ${objects?.n} objects were loaded into it`,
    );
  });

  it('is locked, by whom and since when, within 3 seconds, and shows all the rest', async () => {
    const locker = new pg.Client(stack.warehouseUrl);
    await locker.connect();
    const usual = process.env.STATUS_WAIT_SECONDS;
    process.env.STATUS_WAIT_SECONDS = '';
    try {
      await locker.query('begin; lock table dim_staff in access exclusive mode');
      const [holder] = (await locker.query<{ pid: number }>('select pg_backend_pid() as pid')).rows;
      const begunAt = Date.now();
      const found = await status();
      // A second wait behind the first would make it 6 s.
      expect(Date.now() - begunAt).toBeLessThan(5500);
      expect(found.code).toBe(1);
      expect(troublesOf(found)).toEqual([
        [
          expect.stringMatching(
            new RegExp(
              `^the warehouse does not answer: dim_staff is locked by pid ${holder?.pid} .*since .* UTC$`,
            ),
          ),
          expect.stringContaining(`${holder?.pid}`),
        ],
      ]);
      expect(found.tables.find(({ table }) => table === 'dim_staff')?.rows).toBeGreaterThan(0);
      expect(found.queues).toHaveLength(3);
      // Nobody is left waiting for the lock.
      await seen(async () => (await waitingOf(locker)).length === 0);
    } finally {
      process.env.STATUS_WAIT_SECONDS = usual;
      await locker.end();
    }
  });
});

/** Backends of the command line that wait for a lock. */
const waitingOf = async (client: pg.Client) =>
  (
    await client.query(
      `select pid from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'starlift'`,
    )
  ).rows;

describe('status says as of when a table is', () => {
  it('by what is loaded: an object whose event was lost is in flight', async () => {
    await stack.release();
    const site = await openEmbeddedSite({ data: stack.data, loadModel: async () => totesys });
    try {
      const designOf = ({ tables }: Status) => tables.find(({ table }) => table === 'dim_design');
      const before = designOf(await readStatus(site));
      const { rows, since } = await putLostDesigns(site);
      expect(before?.inFlight).toBe(0);
      expect(Date.parse(since)).toBeLessThan(Date.parse(before?.snapshotAt ?? ''));
      const after = await readStatus(site, { now: new Date(Date.now() + 120_000) });
      expect(designOf(after)).toMatchObject({ inFlight: rows, snapshotAt: since });
      expect(after.troubles).toEqual([
        {
          kind: 'lost',
          table: 'dim_design',
          text: 'dim_design: work of a run is not loaded, and on no queue. A run sends it again',
          command: `npx starlift run --data ${stack.data}`,
        },
      ]);
    } finally {
      await site.release();
    }
  });
});

/** A run that planned the designs once more: they are extracted, and S3's event is lost. */
async function putLostDesigns(site: OpenedSite): Promise<{ rows: number; since: string }> {
  const plannedAt = new Date();
  const since = new Date(plannedAt.getTime() - 3_600_000).toISOString();
  const run = formatRunId(plannedAt, 'abcd');
  let rows = 0;
  for await (const { key } of site.ingested.list('design/')) {
    const object = await site.ingested.get(key);
    if (object === undefined) throw new Error(`${key} is gone`);
    rows = Number(object.metadata.rows);
    const copy = formatObjectKey({ zone: 'ingested', table: 'design', run, slice: '0000' });
    await site.ingested.create(copy, object.body, object.metadata);
    break;
  }
  const slices = [{ slice: '0000', table: 'design', full: false }];
  const planned = { run, generation: '1', slices, failures: [], warnings: [] };
  const record = formatRunRecord({ run: planned, messages: [] }, { plannedAt, since });
  await site.ingested.create(formatRunKey(run), record);
  await site.sqs.send(new PurgeQueueCommand({ QueueUrl: site.queueUrl('transform') }));
  return { rows, since };
}

describe('status', () => {
  it('is late where nobody runs and the objective says so, and says since when', async () => {
    await stack.release();
    const relaxed = await status('--max-lag', '1d');
    expect([relaxed.code, relaxed.troubles]).toEqual([0, []]);
    const found = await status('--max-lag', '1s');
    expect([found.code, troublesOf(found)]).toEqual([
      1,
      [
        [
          expect.stringMatching(
            /^nobody is running since [\d-]+ [\d:]+ UTC; the warehouse is as of [\d-]+ [\d:]+ UTC \(.* ago\), and may be 1 s old$/,
          ),
          `npx starlift run --data ${stack.data}`,
        ],
      ],
    ]);
    // A single run without an objective has an age, and that is no finding.
    expect((await status()).code).toBe(0);
  });

  it('makes no data folder', async () => {
    const typo = `${stack.data}-typo`;
    const command = await parseCommand(['status', '--data', typo]);
    const terminal = makeTerminal(new PassThrough(), new PassThrough(), false);
    await expect(command(terminal)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining(`--data ${typo}: there is no such data folder`),
    });
    expect(existsSync(typo)).toBe(false);
  });

  it('says when verify has looked last', async () => {
    expect((await stack.command('status')).text).toContain('Verified: never.');
  });
});
