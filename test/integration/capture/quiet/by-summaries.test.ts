import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { PlanDeps } from '../../../../services/ingestion/plan/plan-run.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../../helpers/seen.ts';
import type { CaptureBench } from '../capture-bench.ts';
import { benchInEachTest } from '../each-bench.ts';
import { latestRows } from '../ingested-rows.ts';
import { afterEachQuery, reasons, reported, reportingReads, tableState } from './quiet-plans.ts';

/** A table that was written to is looked at by summaries alone, as long as they name blocks. */
const bySummaries = {
  quiet: {
    maxAgeSeconds: 3600,
    alwaysBytes: -1,
    restFactor: 0,
    overlapSeconds: 60,
    summariesAgeSeconds: 3600,
  },
} satisfies Partial<PlanDeps>;

describe('a table of a server that summarizes its log', () => {
  let server: PostgresServer;
  let bench: CaptureBench;
  let source: pg.Client;
  benchInEachTest(
    async () => {
      server = await startTemporaryPostgres({ settings: { autovacuum: 'off' } });
      // Not by its command line, which no later setting overrides.
      const client = new pg.Client(server.url());
      await client.connect();
      await client.query('alter system set summarize_wal = on');
      await client.query('select pg_reload_conf()');
      await client.end();
      return server;
    },
    (made) => {
      bench = made;
      source = made.source;
    },
  );
  beforeEach(async () => {
    await reported(
      source,
      `insert into department values (1, 'Sales');
       insert into staff select n, 'name ' || n, 1 from generate_series(1, 30) n;
       insert into item select n, repeat('x', 700), 0 from generate_series(1, 2000) n`,
    );
    // Who reads a new row first writes its block, and that is logged where blocks have checksums.
    await source.query('vacuum item');
    await source.query('vacuum staff');
    await source.query('vacuum department');
    // A file of summaries that tells of a table's making tells of a cut.
    await summarized();
    await run();
  });

  const run = async (options: Partial<PlanDeps> = {}) => {
    const planned = await bench.plan({ ...bySummaries, ...options });
    const pages = bench.queue.flatMap((message) => (message.table === 'item' ? (message.pages ?? []) : []));
    await bench.extractAll();
    return { ...planned, pages };
  };
  /** Summaries reach to the last checkpoint. */
  const summarized = async () => {
    const { rows } = await source.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
    await source.query('checkpoint');
    await seen(async () => {
      const { rows: states } = await source.query<{ isThere: boolean }>(
        `select coalesce(max(end_lsn), '0/0') >= '${rows[0]?.lsn}'::pg_lsn as "isThere" from pg_available_wal_summaries()`,
      );
      return states[0]?.isThere === true;
    });
  };
  const priceOf = (id: number) =>
    latestRows(bench.store, 'item', 'item_id').find(({ item_id: own }) => own === id)?.price;
  const update = (id: number) => reported(source, `update item set price = price + 1 where item_id = ${id}`);
  const exactly = async () => {
    await run({ isExact: true });
    await bench.expectExact('item', 'department', 'staff');
  };
  const why = async () => reasons(await run()).item;

  it('has only the blocks read that were written to, and is exact as of the plan that they reach to', async () => {
    await update(7);
    await update(1500);
    const { plannedAt } = await planAlone();
    await update(9);
    await summarized();
    const planned = await run();
    expect(planned.looks?.[0]).toMatchObject({ isLookedAt: false, because: 'summarized', asOf: plannedAt });
    expect(planned.pages.length).toBeGreaterThan(0);
    expect(planned.pages.length).toBeLessThan(10);
    expect([7, 1500].map(priceOf)).toEqual([1, 1]);
    // What came after that plan may be found, and counts as found only by the next.
    await summarized();
    await run();
    expect(priceOf(9)).toBe(1);
    await bench.expectExact('item');
  });

  /** A plan that looks at nothing: what it has found is what summaries may reach to. */
  const planAlone = async () => {
    const resting = { ...bySummaries.quiet, restFactor: 1e9, summariesAgeSeconds: 0 };
    await run({ quiet: resting });
    const state = await tableState(bench, 'item');
    const { body = '' } = (await bench.store.get('state/capture.json')) ?? {};
    return { ...state, plannedAt: JSON.parse(Buffer.from(body).toString()).plannedAt as string };
  };

  it('is asked for together with all other tables, and has the blocks alone read that are named', async () => {
    await update(7);
    await update(1500);
    await reported(source, `insert into department values (2, 'Stock')`);
    await planAlone();
    await summarized();
    let questions = 0;
    const count = async (sql: string) => {
      if (sql.includes('pg_available_wal_summaries')) questions++;
    };
    const planned = await bench.plan({
      ...bySummaries,
      database: afterEachQuery(reportingReads(bench.database), count),
    });
    expect(reasons(planned)).toMatchObject({ item: 'summarized', department: 'summarized' });
    expect(questions).toBe(1);
    const fetched = async () => {
      const { rows } = await source.query<{ blocks: string }>(
        `select pg_stat_get_blocks_fetched('item'::regclass) as blocks`,
      );
      return Number(rows[0]?.blocks);
    };
    const pages = bench.queue.flatMap((message) => (message.table === 'item' ? (message.pages ?? []) : []));
    const before = await fetched();
    await bench.extractAll({ database: reportingReads(bench.database) });
    // A plan that reads the table for each block reads two hundred times as much.
    expect((await fetched()) - before).toBeGreaterThanOrEqual(pages.length);
    expect((await fetched()) - before).toBeLessThanOrEqual(2 * pages.length);
    await bench.expectExact('item', 'department');
  });

  it('moves its base where no block of it was written to, and reads nothing', async () => {
    await planAlone();
    await summarized();
    const before = await tableState(bench, 'item');
    const planned = await run();
    expect(reasons(planned).item).toBe('summarized');
    expect(planned.slices.filter(({ table }) => table === 'item')).toEqual([]);
    expect((await tableState(bench, 'item')).base?.plannedAt).not.toBe(before.base?.plannedAt);
    await exactly();
  });

  it('is captured no further than summaries reach', async () => {
    await update(7);
    await planAlone();
    // So that they reach beyond that plan.
    await update(9);
    await summarized();
    // More than fits into the blocks that are named for the first one.
    await reported(source, 'update item set price = price + 1 where item_id between 1500 and 1540');
    await planAlone();
    await planAlone();
    expect(priceOf(1540)).toBe(0);
    await summarized();
    expect(await why()).toBe('summarized');
    await bench.expectExact('item');
  });

  it('has what the running transaction with the greatest xid had written before the last look', async () => {
    const late = await bench.connect();
    await late.query('begin; update item set price = 5 where item_id = 11');
    // What was logged until now lies in files of its own.
    await summarized();
    // It looks at the table: what is written from here on is new. No later xid has been given out.
    await run({ isExact: true });
    await summarized();
    await late.query('commit');
    await planAlone();
    await summarized();
    expect(await why()).toBe('summarized');
    expect(priceOf(11)).toBe(5);
  });

  it('is looked at as a whole where summaries were removed, though later ones are there', async () => {
    await update(7);
    await planAlone();
    await summarized();
    const folder = join(server.dataDir, 'pg_wal', 'summaries');
    for (const name of await readdir(folder)) await rm(join(folder, name));
    await update(8);
    await planAlone();
    await summarized();
    expect(await why()).toBe('written to');
    await bench.expectExact('item');
  });

  it('has nothing left out where summaries are removed while a plan asks', async () => {
    await update(7);
    await planAlone();
    await summarized();
    const folder = join(server.dataDir, 'pg_wal', 'summaries');
    let removed = 0;
    const remove = async (sql: string) => {
      if (!sql.includes('pg_available_wal_summaries')) return;
      for (const name of await readdir(folder)) {
        await rm(join(folder, name));
        removed++;
      }
    };
    await run({ database: afterEachQuery(bench.database, remove) });
    expect(removed).toBeGreaterThan(0);
    await bench.expectExact('item');
  });

  it('is looked at as a whole where summaries are behind, or were off for a while', async () => {
    await update(7);
    expect(await why()).toBe('written to');
    await source.query('alter system set summarize_wal = off');
    await source.query('select pg_reload_conf()');
    try {
      await seen(async () => {
        const { rowCount } = await source.query(
          `select from pg_stat_activity where backend_type = 'walsummarizer'`,
        );
        return rowCount === 0;
      });
      await update(8);
      await planAlone();
      await source.query('checkpoint');
      expect(await why()).toBe('written to');
    } finally {
      await source.query('alter system set summarize_wal = on');
      await source.query('select pg_reload_conf()');
    }
    await bench.expectExact('item');
  });

  it.each([
    ['was rewritten', 'vacuum full item'],
    ['was emptied', 'truncate item'],
    ['has got a logged file', 'alter table item set unlogged; alter table item set logged'],
  ])('is looked at as a whole where it %s', async (_, sql) => {
    await update(7);
    await source.query(sql);
    await planAlone();
    await summarized();
    expect(await why()).not.toBe('summarized');
    if (sql.startsWith('truncate')) return;
    await bench.expectExact('item');
  });

  it('is looked at as a whole where the role may not ask for summaries', async () => {
    await update(7);
    await planAlone();
    await summarized();
    await source.query(
      'revoke execute on function pg_wal_summary_contents(bigint, pg_lsn, pg_lsn) from public',
    );
    expect(await why()).toBe('written to');
    await bench.expectExact('item');
  });

  it('is looked at as a whole where it is not logged', async () => {
    await source.query('alter table item set unlogged');
    await run({ isExact: true });
    await summarized();
    await update(7);
    await planAlone();
    await summarized();
    expect(await why()).not.toBe('summarized');
    await bench.expectExact('item');
  });

  it('is looked at as a whole where a row that is joined to it was written to', async () => {
    await reported(source, `update department set department_name = 'Trade'`);
    await planAlone();
    await summarized();
    expect(reasons(await run())).toMatchObject({ staff: 'written to', item: 'summarized' });
    await bench.expectExact('staff');
  });

  it('is cut in two where its blocks hold too much for an object', async () => {
    await reported(source, `update item set note = repeat('y', 999) where item_id % 40 = 0`);
    await planAlone();
    await summarized();
    await bench.plan(bySummaries);
    const outcomes = await bench.extractAll({ maxObjectBytes: 500, maxCopyBytes: 4000 });
    expect(outcomes.some(({ outcome }) => outcome === 'split')).toBe(true);
    await bench.expectExact('item');
  });

  it('is looked at as a whole where somebody waits for what was just committed', async () => {
    await update(7);
    await planAlone();
    await summarized();
    const waiting = { quiet: { ...bySummaries.quiet, summariesAgeSeconds: 0 } };
    expect(reasons(await run(waiting)).item).toBe('written to');
    await bench.expectExact('item');
  });
});
