import { toPipelineError } from '../../../shared/classify-error.ts';
import { RefusedError, TerminalError, TransientError } from '../../../shared/errors.ts';
import { selectCensuses } from '../../../shared/ledger/censuses.ts';
import { countWaiting, type WaitingRows } from '../../../shared/ledger/count-waiting.ts';
import { findDroppedRows } from '../../../shared/ledger/dropped-rows.ts';
import type { Model } from '../../../shared/model/model.ts';
import { type ObjectKey, parseKnownKey } from '../../../shared/object-store/object-key.ts';
import {
  parseIngestedMetadata,
  parseProcessedMetadata,
} from '../../../shared/object-store/object-metadata.ts';
import type { PlannedRun } from '../../../shared/records/plan/run-record.ts';
import { deletedWord, isLookedFor } from '../../deletes/mode.ts';
import { InvocationError } from '../../embedded/workers/invocation-error.ts';
import { describeDroppedRows } from '../../failures/drop.ts';
import { listFailures } from '../../failures/list-failures.ts';
import { countQuarantined } from '../../quarantine/list-quarantine.ts';
import type { DeadLetter } from '../../site/dead-letter.ts';
import type { LedgerCount } from '../../site/ledger.ts';
import { commandFor, type RunnableSite } from '../../site/site.ts';
import { describeLooks, type LookStatus } from '../../status/describe-looks.ts';
import { UsageError } from '../../terminal/usage-error.ts';
import { describeStarLock, type Finding, findStarLock } from './check-tables.ts';
import { fillCalendarYears } from './fill-calendar.ts';

export interface RunReport {
  run: string;
  seconds: number;
  /** All was looked at, and nothing is dead-lettered, quarantined or waiting, from this run or an earlier one. */
  ok: boolean;
  tables: TableTally[];
  /** Those of them that deleted rows are removed from; in the others they are marked. */
  removing: string[];
  /** Slices that the plan found to hold something new. */
  slices: number;
  deadLetters: DeadLetter[];
  waiting: WaitingRows[];
  /** Rows by warehouse table, of earlier runs too. */
  quarantined: ReadonlyMap<string, number>;
  /** Tables that the plan could not read. */
  failures: PlannedRun['failures'];
  /** Source tables that the last plan did not look at. */
  leftOut: string[];
  looks: LookStatus[];
  findings: Finding[];
  warnings: string[];
  /** Of the site. */
  selector: string;
}

export interface ReportFacts {
  /** By the wall clock: failures since then are this run's. */
  startedAt: Date;
  seconds: number;
  ledger: readonly LedgerCount[];
  findings: readonly Finding[];
}

/**
 * Makes the report of what was planned. What one table, one message or one object keeps from being looked at is a finding,
 * and the rest is reported.
 *
 * @throws {Error} the warehouse or the objects cannot be had: see `isTransient`
 */
export async function makeReport(
  site: RunnableSite,
  planned: PlannedRun,
  { startedAt, seconds, ledger, findings: before }: ReportFacts,
): Promise<RunReport> {
  const findings = [...before];
  const orFinding = async <T>(what: string, fallback: T, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (isTransient(error) && !isLocked(error)) throw error;
      const text = `${what} cannot be looked at: ${toPipelineError(error).message}`;
      findings.push({ table: null, text, command: commandFor(site, 'status'), passes: isLocked(error) });
      return fallback;
    }
  };
  const dropped = await orFinding('what was dropped', [], () =>
    findDroppedRows(site.warehouse, site.ingested, site.model),
  );
  for (const rows of dropped) {
    const command = commandFor(site, `resync --table ${rows.table}`);
    findings.push({ table: rows.table, text: describeDroppedRows(rows), command });
  }
  findings.push(...(await orFinding('what is held', [], () => findHeld(site))));
  const [deadLetters, waiting, quarantined] = await Promise.all([
    orFinding('what has failed', [], () => listFailures(site)),
    countWaitingRows(site, { ledger, findings, orFinding }),
    orFinding('the quarantine', new Map<string, number>(), () => countQuarantined(site, site.model)),
  ]);
  const failedNow = deadLetters.filter(({ failedAt }) => Date.parse(failedAt) >= startedAt.getTime());
  const tables = makeTallies(site.model, ledger, waiting, await countFailedRows(site, failedNow));
  const leftOut = (planned.locked ?? []).filter(({ isLeftOut }) => isLeftOut);
  for (const { table, lock } of leftOut) {
    const text = `${table} was not looked at: ${lock ?? 'it was locked'}`;
    findings.push({ table, text, command: commandFor(site, 'run'), passes: true });
  }
  // A letter that failed for it says it, with the command that sends it again.
  const unexplained = findings.filter((finding) => !deadLetters.some((letter) => failedFor(letter, finding)));
  const troubles = [deadLetters, waiting, planned.failures, unexplained];
  return {
    run: planned.run,
    seconds,
    ok: troubles.every(({ length }) => length === 0) && quarantined.size === 0,
    tables,
    removing: tables
      .map(({ table }) => table)
      .filter((table) => deletedWord(site.model, table) === 'removed'),
    slices: planned.slices.length,
    deadLetters,
    waiting,
    quarantined,
    failures: planned.failures,
    leftOut: [...leftOut, ...planned.failures].map(({ table }) => table),
    looks: describeLooks(planned.looks),
    findings: unexplained,
    warnings: planned.warnings,
    selector: site.selector,
  };
}

async function findHeld(site: RunnableSite): Promise<Finding[]> {
  const censuses = await selectCensuses(site.warehouse);
  return censuses
    .filter(({ table, state }) => state === 'held' && isLookedFor(site.model, table))
    .map(({ table, reason }) => ({
      table,
      text: `${reason ?? 'too many keys are gone'} from the source of ${table}: its census is held, and no row is ${deletedWord(site.model, table)}`,
      command: commandFor(site, `deletes --table ${table}`),
    }));
}

const failedFor = ({ table, reason }: DeadLetter, finding: Finding): boolean =>
  table !== undefined && table === finding.table && reason === finding.text;

/** Whether something needs attention that does not pass by itself, as a lock or rows that wait for others may. */
export const hasLastingTrouble = ({ deadLetters, failures, quarantined, findings }: RunReport): boolean =>
  deadLetters.length + failures.length + quarantined.size > 0 ||
  findings.some(({ passes }) => passes !== true);

/** Whether a failure of a whole run may pass by itself. */
export function isTransient(error: unknown): boolean {
  // A database that could be reached when the watch began cannot be reached now.
  if (error instanceof UsageError) return true;
  if (error instanceof InvocationError) {
    return [TransientError.name, RefusedError.name].includes(error.errorType);
  }
  // What pg says of a query on a connection that was lost before it.
  if (error instanceof Error && error.message.includes('not queryable')) return true;
  return toPipelineError(error) instanceof TransientError;
}

function isLocked(error: unknown): boolean {
  const known = toPipelineError(error);
  return known instanceof RefusedError && known.by === 'lock';
}

type OrFinding = <T>(what: string, fallback: T, work: () => Promise<T>) => Promise<T>;

/** One after the other, on one connection. A fact that cannot be read does not keep the others from being counted. */
async function countWaitingRows(
  site: RunnableSite,
  {
    ledger,
    findings,
    orFinding,
  }: { ledger: readonly LedgerCount[]; findings: Finding[]; orFinding: OrFinding },
): Promise<WaitingRows[]> {
  const lock = await findStarLock(site.warehouse, site);
  if (lock !== undefined) {
    const finding = describeStarLock(lock, site);
    if (findings.every(({ text }) => text !== finding.text)) findings.push(finding);
    return [];
  }
  if (ledger.some(({ rows }) => rows > 0)) {
    await orFinding('the calendar', undefined, () => fillCalendarYears(site.warehouse, site));
  }
  try {
    return await site.countWaiting();
  } catch (error) {
    if (isTransient(error)) throw error;
  }
  const waiting: WaitingRows[] = [];
  for (const fact of site.model.tables.filter(({ kind }) => kind === 'fact')) {
    const alone = { ...site.model, tables: [fact] };
    const rows = await orFinding(fact.name, [], () =>
      countWaiting(site.warehouse, alone, site.warehouseSchema),
    );
    waiting.push(...rows);
  }
  return waiting;
}

/** Rows of dead-lettered objects, by warehouse table. A slice that was never extracted has no rows to count. */
async function countFailedRows(
  { ingested, processed, model }: RunnableSite,
  deadLetters: readonly DeadLetter[],
): Promise<ReadonlyMap<string, number>> {
  const failed = new Map<string, number>();
  const add = (table: string, rows: number) => failed.set(table, (failed.get(table) ?? 0) + rows);
  for (const text of new Set(deadLetters.flatMap(({ key }) => key ?? []))) {
    const key = parseKnownKey(text);
    // A census has keys, and no rows.
    if (key === undefined || key.census) continue;
    const object = await (key.zone === 'ingested' ? ingested : processed).head(text);
    const rows = object && rowsOf(key, text, object.metadata);
    if (rows === undefined) continue;
    if (key.zone === 'processed') add(key.table, rows);
    else {
      for (const table of model.sources.find(({ name }) => name === key.table)?.feeds ?? []) add(table, rows);
    }
  }
  return failed;
}

/** @returns undefined where another tool has put the object: its letter says so */
function rowsOf(key: ObjectKey, text: string, metadata: Record<string, string>): number | undefined {
  try {
    const parse = key.zone === 'processed' ? parseProcessedMetadata : parseIngestedMetadata;
    return parse(text, metadata).rows;
  } catch (error) {
    if (error instanceof TerminalError) return undefined;
    throw error;
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
  /** Rows of any age whose key the source no longer has, and that were marked or removed for it. */
  deleted: number;
}

/** Makes one tally per warehouse table, in the model's order. */
export function makeTallies(
  model: Model,
  ledger: readonly LedgerCount[],
  waitingRows: readonly WaitingRows[],
  failedRows: ReadonlyMap<string, number>,
): TableTally[] {
  return model.tables.map((table) => {
    const loaded = ledger.find((count) => count.table === table.name);
    const { rows = 0, quarantined = 0, deleted = 0, runs = [] } = loaded ?? {};
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
      deleted,
    };
  });
}
