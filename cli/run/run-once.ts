import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { toPipelineError } from '../../shared/classify-error.ts';
import { TransientError } from '../../shared/errors.ts';
import { parseObjectKey } from '../../shared/object-store/object-key.ts';
import { parseIngestedMetadata, parseProcessedMetadata } from '../../shared/object-store/object-metadata.ts';
import { quoteIdentifier, quoteQualified } from '../../shared/postgres/identifier.ts';
import type { PlannedRun } from '../../shared/records/run-record.ts';
import type { StarSchema } from '../../shared/star-schema/assemble.ts';
import { epochDayOf } from '../../shared/star-schema/calendar.ts';
import { starSchema } from '../../shared/star-schema/star-schema.ts';
import type { WaitingRows } from '../../shared/warehouse/count-waiting.ts';
import { insertDates } from '../../shared/warehouse/insert-dates.ts';
import { InvocationError } from '../embedded/workers/invocation-error.ts';
import { listFailures } from '../failures/list-failures.ts';
import { countQuarantined } from '../quarantine/list-quarantine.ts';
import type { DeadLetter } from '../site/dead-letter.ts';
import type { LedgerCount } from '../site/ledger.ts';
import type { RunnableSite } from '../site/site.ts';
import { UsageError } from '../terminal/usage-error.ts';

export interface RunReport {
  run: string;
  seconds: number;
  /** Nothing is dead-lettered, quarantined or waiting, from this run or an earlier one. */
  ok: boolean;
  tables: TableTally[];
  /** Slices that the plan found to hold something new. */
  slices: number;
  deadLetters: DeadLetter[];
  waiting: WaitingRows[];
  /** Rows by warehouse table, of earlier runs too. */
  quarantined: ReadonlyMap<string, number>;
  /** Tables that the plan could not read. */
  failures: PlannedRun['failures'];
  warnings: string[];
  /** Of the site. */
  selector: string;
}

type OnProgress = (counts: readonly LedgerCount[]) => void;

/** How often the rows that are loaded so far are counted, in milliseconds. */
const countEveryMs = 250;

/**
 * Plans, and follows the work until everything new has reached the warehouse or is accounted for.
 *
 * @param onProgress called with what has been loaded so far; undefined unless the terminal is interactive
 */
export async function runOnce(
  site: RunnableSite,
  onProgress: OnProgress | undefined,
  signal?: AbortSignal,
): Promise<RunReport> {
  const startedAt = Date.now();
  const planned = await followToTheEnd(site, await site.plan(), onProgress, signal);
  const ledger = await site.countLoaded();
  await site.endReport();
  const [deadLetters, waiting, quarantined] = await Promise.all([
    listFailures(site),
    ledger.some(({ rows }) => rows > 0) ? countAfterCalendar(site) : site.countWaiting(),
    countQuarantined(site, starSchema),
  ]);
  if (!signal?.aborted) site.noteDrained?.(planned.run);
  const failedNow = deadLetters.filter(({ failedAt }) => Date.parse(failedAt) >= startedAt);
  const tables = makeTallies(starSchema, ledger, waiting, await countFailedRows(site, failedNow));
  return {
    run: planned.run,
    seconds: (Date.now() - startedAt) / 1000,
    ok:
      [deadLetters, waiting, planned.failures].every(({ length }) => length === 0) && quarantined.size === 0,
    tables,
    slices: planned.slices.length,
    deadLetters,
    waiting,
    quarantined,
    failures: planned.failures,
    warnings: planned.warnings,
    selector: site.selector,
  };
}

/** @returns all that was planned, by plans during the run too */
async function followToTheEnd(
  site: RunnableSite,
  first: PlannedRun,
  onProgress: OnProgress | undefined,
  signal: AbortSignal | undefined,
): Promise<PlannedRun> {
  let planned = first;
  let countedAt = 0;
  while (!signal?.aborted && !(await site.isDone(planned))) {
    if (site.needsPlan?.()) planned = await planAgain(site, planned);
    if (onProgress !== undefined && Date.now() - countedAt > countEveryMs) {
      onProgress(await site.countLoaded());
      countedAt = Date.now();
    }
    await delay(site.lookEveryMs);
  }
  return planned;
}

/** If the source is unreachable, the work that is planned already goes on without a new plan. */
async function planAgain(site: RunnableSite, before: PlannedRun): Promise<PlannedRun> {
  try {
    const again = await site.plan();
    return { ...again, slices: [...before.slices, ...again.slices] };
  } catch (error) {
    if (isTransient(error)) return before;
    throw error;
  }
}

/** Whether a run's failure is transient, so that a watch goes on. */
export function isTransient(error: unknown): boolean {
  // A database that could be reached when the watch began cannot be reached now.
  if (error instanceof UsageError) return true;
  if (error instanceof InvocationError) return error.errorType === TransientError.name;
  // What pg says of a query on a connection that was lost before it.
  if (error instanceof Error && error.message.includes('not queryable')) return true;
  return toPipelineError(error) instanceof TransientError;
}

/** One after the other, on one connection. */
async function countAfterCalendar(site: RunnableSite): Promise<WaitingRows[]> {
  await fillCalendarYears(site.warehouse, site.warehouseSchema);
  return site.countWaiting();
}

/** Rows of dead-lettered objects, by warehouse table. A slice that was never extracted has no rows to count. */
async function countFailedRows(
  { ingested, processed }: RunnableSite,
  deadLetters: readonly DeadLetter[],
): Promise<ReadonlyMap<string, number>> {
  const failed = new Map<string, number>();
  const add = (table: string, rows: number) => failed.set(table, (failed.get(table) ?? 0) + rows);
  for (const text of new Set(deadLetters.flatMap(({ key }) => key ?? []))) {
    const key = parseKnownKey(text);
    if (key === undefined) continue;
    const object = await (key.zone === 'ingested' ? ingested : processed).head(text);
    if (object === undefined) continue;
    if (key.zone === 'processed') add(key.table, parseProcessedMetadata(text, object.metadata).rows);
    else {
      const { rows } = parseIngestedMetadata(text, object.metadata);
      for (const table of starSchema.sources.find(({ name }) => name === key.table)?.feeds ?? [])
        add(table, rows);
    }
  }
  return failed;
}

/** A dead letter may name anything, also a key that is not Starlift's. */
function parseKnownKey(text: string) {
  try {
    return parseObjectKey(text);
  } catch {
    return undefined;
  }
}

/** What became of a warehouse table's rows in one run: extracted = loaded + waiting + quarantined + failed. */
export interface TableTally {
  table: string;
  /** The source table; null for the calendar, whose rows come from all facts. */
  source: string | null;
  extracted: number;
  loaded: number;
  /** Facts whose dimension row has not landed yet. */
  waiting: number;
  quarantined: number;
  /** Rows of objects that are dead-lettered. */
  failed: number;
}

/** Makes one tally per warehouse table, in the model's order. */
export function makeTallies(
  model: StarSchema,
  ledger: readonly LedgerCount[],
  waitingRows: readonly WaitingRows[],
  failedRows: ReadonlyMap<string, number>,
): TableTally[] {
  return model.tables.map((table) => {
    const loaded = ledger.find((count) => count.table === table.name);
    const { rows = 0, quarantined = 0, runs = [] } = loaded ?? {};
    const waiting = waitingRows
      .filter((waits) => waits.table === table.name && waits.run !== null && runs.includes(waits.run))
      .reduce((sum, waits) => sum + waits.rows, 0);
    const failed = failedRows.get(table.name) ?? 0;
    return {
      table: table.name,
      source: table.kind === 'calendar' ? null : table.source.name,
      extracted: rows + quarantined + failed,
      loaded: rows - waiting,
      waiting,
      quarantined,
      failed,
    };
  });
}

/** A longer gap is a typing error in a date, not the age of a business. */
const longestGapYears = 100;

/** Fills the calendar years around the dates that facts name, so that a report by month has no holes. */
export async function fillCalendarYears(warehouse: pg.Client, schema: string): Promise<void> {
  const { calendar } = starSchema;
  const table = quoteQualified(schema, calendar.name);
  const { rows } = await warehouse.query<{ year: number; days: number }>(
    `select extract(year from ${quoteIdentifier(calendar.key)})::int as year, count(*)::int as days
       from ${table} group by 1 order by 1`,
  );
  const filled = new Set(rows.filter(({ year, days }) => days === daysOf(year)).map(({ year }) => year));
  const missing = yearsAround(rows.map(({ year }) => year)).filter((year) => !filled.has(year));
  const days = missing.flatMap((year) =>
    Array.from({ length: daysOf(year) }, (_, index) => epochDayOf(year, 1, 1) + index),
  );
  if (days.length > 0) await insertDates(warehouse, { schema, calendar }, days);
}

/**
 * The years that a calendar for these should have: the years themselves and those between them, except in gaps that are
 * too long.
 *
 * @param years ascending
 */
export const yearsAround = (years: readonly number[]): number[] =>
  years.flatMap((year, index) => {
    const next = years[index + 1] ?? year;
    const gap = next - year > longestGapYears ? 1 : Math.max(1, next - year);
    return Array.from({ length: gap }, (_, offset) => year + offset);
  });

const daysOf = (year: number): number => epochDayOf(year + 1, 1, 1) - epochDayOf(year, 1, 1);
