import pg from 'pg';
import { defaultQuietRules } from '../../../services/ingestion/plan/look/choose-look.ts';
import type { PlanDeps } from '../../../services/ingestion/plan/plan-run.ts';
import type { ExtractMessage } from '../../../shared/records/plan/extract-message.ts';
import type { PlannedRun } from '../../../shared/records/plan/run-record.ts';
import type { PostgresServer } from '../../helpers/postgres/temporary-postgres.ts';
import { makeMemoryStore } from '../../helpers/rows/memory-store.ts';
import { attachCaptureBench, type CaptureBench } from '../../integration/capture/capture-bench.ts';
import {
  at,
  checkpoint,
  largeTable,
  makeWeekSource,
  type Offered,
  openShop,
  tables,
  weekModel,
} from './week-source.ts';

export interface WeekOptions {
  name: string;
  offered: Offered;
  /** Of the large table. */
  rows: number;
  plans: number;
  seed: number;
}

/** Blocks of all tables, in memory or not, their indexes included. */
export interface WeekFigures {
  plans: number;
  /** What plans and extracts have read, as the server has counted it. */
  byPlans: number;
  byExtracts: number;
  /** What the looks at whole tables have to read: each table, and what was sent to be extracted of it. */
  looks: { count: number; ofLargeTable: number; blocks: number };
  /** Blocks that were written to between two plans, as the server's log says. */
  changed: number;
  /** How old the large table became at most, in plans. */
  oldest: number;
}

const planEveryMs = 300_000;
/** A Monday. */
const opened = new Date('2026-03-02T00:00:00.000Z');
/** As large as this the large table is taken to be; what depends on a size is as much smaller here. */
const largeRows = 200_000_000;

/** Plans every five minutes, extracts what is found, and counts what both have read. */
export async function runWeek(
  server: PostgresServer,
  { name, offered, rows, plans, seed }: WeekOptions,
): Promise<{ figures: WeekFigures; bench: CaptureBench }> {
  const url = await makeWeekSource(server, { name, rows, opened, offered });
  let instant = opened;
  let begun = performance.now();
  const now = () => new Date(instant.getTime() + performance.now() - begun);
  const bench = await attachCaptureBench(url, makeMemoryStore(now));
  const shop = await openShop(url, { rows, seed });
  const watch = new pg.Client(url);
  await watch.connect();
  const options = planOptions(rows, now);
  const database = withClock(bench.database, now);
  const figures: WeekFigures = {
    plans,
    byPlans: 0,
    byExtracts: 0,
    looks: { count: 0, ofLargeTable: 0, blocks: 0 },
    changed: 0,
    oldest: 0,
  };
  let position = await checkpoint(watch);
  for (let plan = 0; plan <= plans; plan++) {
    instant = new Date(opened.getTime() + plan * planEveryMs);
    await shop.trade(instant);
    const until = await checkpoint(watch);
    const changed = await countWritten(watch, position, until);
    position = until;
    begun = performance.now();
    const before = await countFetched(watch);
    const planned = await bench.plan({ ...options, database });
    const afterPlan = await countFetched(watch);
    const sent = [...bench.queue];
    await bench.extractAll({ model: weekModel, database });
    const afterExtracts = await countFetched(watch);
    // The first plan reads everything.
    if (plan === 0) continue;
    figures.changed += changed;
    figures.byPlans += afterPlan - before;
    figures.byExtracts += afterExtracts - afterPlan;
    await countLooks(watch, figures, planned, sent);
    const asOf = planned.looks?.find(({ table }) => table === largeTable)?.asOf;
    const age = asOf === undefined ? 0 : (instant.getTime() - Date.parse(asOf)) / planEveryMs;
    figures.oldest = Math.max(figures.oldest, Math.round(age));
  }
  await shop.end();
  await bench.plan({ ...options, database, isExact: true });
  await bench.extractAll({ model: weekModel, database });
  await watch.end();
  return { figures, bench };
}

/** As for a table of so many rows, on a disk as fast as this machine's memory is. */
function planOptions(rows: number, now: () => Date) {
  const scale = largeRows / rows;
  const sizeMib = 1024 / scale;
  return {
    model: weekModel,
    now,
    probeMaxBytes: sizeMib * 2 ** 20,
    lookBytes: Math.max(64 * 1024, sizeMib * 2 ** 20),
    sliceBytes: 2 ** 20,
    quiet: {
      ...defaultQuietRules,
      alwaysBytes: 64 * 1024,
      restFactor: defaultQuietRules.restFactor * scale,
      summariesAgeSeconds: 3600,
    },
  } satisfies Partial<PlanDeps>;
}

/** The source's clock is the plan's, and its sessions report what they have read. */
const withClock = ({ withClient }: CaptureBench['database'], now: () => Date): CaptureBench['database'] => ({
  withClient: (work) =>
    withClient(async (client) => {
      const clock = () => `timestamptz '${at(now())}+00'`;
      const query = (sql: unknown, ...rest: unknown[]) =>
        Reflect.apply(client.query, client, [
          typeof sql === 'string' ? sql.replaceAll(/\b(statement|clock)_timestamp\(\)/g, clock()) : sql,
          ...rest,
        ]);
      const result = await work(
        new Proxy(client, { get: (target, key) => (key === 'query' ? query : Reflect.get(target, key)) }),
      );
      await client.query('select pg_stat_force_next_flush()');
      return result;
    }),
});

const oids = `(select oid from pg_class where relname = any('{${tables.join(',')}}')
                union all
               select indexrelid from pg_index where indrelid = any('{${tables.join(',')}}'::regclass[]))`;

async function countFetched(client: pg.Client): Promise<number> {
  await client.query('select pg_stat_clear_snapshot()');
  const { rows } = await client.query<{ blocks: string }>(
    `select sum(pg_stat_get_blocks_fetched(oid)) as blocks from ${oids} as relation`,
  );
  return Number(rows[0]?.blocks);
}

/** Blocks of the tables that were written to between two positions. */
async function countWritten(client: pg.Client, from: string, until: string): Promise<number> {
  const { rows } = await client.query<{ blocks: string }>(
    `
    select count(distinct (named.relfilenode, named.relblocknumber)) as blocks
      from pg_available_wal_summaries() as file,
           lateral pg_wal_summary_contents(file.tli, file.start_lsn, file.end_lsn) as named
     where file.end_lsn > $1::pg_lsn and file.start_lsn < $2::pg_lsn
       and named.relforknumber = 0 and not named.is_limit_block
       and named.reldatabase = (select oid from pg_database where datname = current_database())
       and named.relfilenode in (select relfilenode from pg_class where relname = any($3))`,
    [from, until, tables],
  );
  return Number(rows[0]?.blocks);
}

async function countLooks(
  client: pg.Client,
  figures: WeekFigures,
  { looks = [] }: PlannedRun,
  sent: readonly ExtractMessage[],
): Promise<void> {
  const { rows } = await client.query<{ name: string; blocks: number }>(
    `select name, (pg_relation_size(name) / 8192)::int as blocks from unnest($1::text[]) as name`,
    [tables],
  );
  const blocksOf = new Map(rows.map(({ name, blocks }) => [name, blocks]));
  for (const { table, isLookedAt } of looks) {
    if (!isLookedAt) continue;
    const blocks = blocksOf.get(table) ?? 0;
    const own = sent.filter((message) => message.table === table && message.index === undefined);
    const ofSlices = own.reduce(
      (sum, { blocks: range }) => sum + (range?.to ?? blocks) - (range?.from ?? 0),
      0,
    );
    figures.looks.count++;
    if (table === largeTable) figures.looks.ofLargeTable++;
    // One that extracts do is read once.
    figures.looks.blocks += table === largeTable ? blocks : blocks + ofSlices;
  }
}
