import type pg from 'pg';
import type { Model } from '../../../shared/model/model.ts';
import { timeOfRun } from '../../../shared/object-store/object-key.ts';
import type { PlannedRun } from '../../../shared/records/plan/run-record.ts';
import { describeGroup, groupFailures } from '../../failures/list-failures.ts';
import type { LedgerCount } from '../../site/ledger.ts';
import { commandFor } from '../../site/site.ts';
import { formatLeftOut, leftOutOf } from '../../status/describe-looks.ts';
import { makeProgress } from '../../terminal/progress.ts';
import { formatTable } from '../../terminal/table.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { formatTime } from '../../terminal/time.ts';
import { formatCount, formatRows } from '../../terminal/wording.ts';
import { listUnexplained } from './check-tables.ts';
import type { RunReport } from './make-report.ts';

/** How many rows the source tables have that are extracted in full, about; undefined where nobody knows. */
export type EstimateRows = (tables: readonly string[]) => Promise<ReadonlyMap<string, number>>;

/**
 * @param estimate asked once, where the plan reads tables in full; what it does not know is shown without a total
 * @returns a function that shows what has been loaded so far
 */
export function showProgress(
  terminal: Terminal,
  { tables }: Model,
  estimate?: EstimateRows,
): (counts: readonly LedgerCount[], planned: PlannedRun) => void {
  const show = makeProgress(terminal);
  let estimated: ReadonlyMap<string, number> | undefined;
  let isAsked = false;
  return (counts, { slices }) => {
    const full = new Set(slices.filter((slice) => slice.full).map(({ table }) => table));
    if (!isAsked && full.size > 0) {
      isAsked = true;
      estimate?.([...full])
        .then((rows) => {
          estimated = rows;
        })
        .catch(() => {});
    }
    show(
      tables.map((table) => ({
        name: table.name,
        done: counts.find((count) => count.table === table.name)?.rows ?? 0,
        total:
          table.kind === 'calendar' || !full.has(table.source.name)
            ? undefined
            : estimated?.get(table.source.name),
      })),
    );
  };
}

/** By the server's own statistics, which cost nothing to ask. A table that was never analysed has none. */
export async function estimateRows(
  source: pg.Client,
  tables: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await source.query<{ table: string; rows: number }>(
    `select relname as table, reltuples::float8 as rows from pg_class
      where relnamespace = to_regnamespace('public') and relname = any($1) and reltuples > 0`,
    [tables],
  );
  return new Map(rows.map(({ table, rows: count }) => [table, Math.round(count)]));
}

/** Prints the run's outcome and what needs attention; with --json the outcome is the last line of stdout. */
export function printReport(report: RunReport, terminal: Terminal): void {
  terminal.redraw([]);
  printWarnings(report.warnings, terminal);
  if (terminal.json) {
    printTrouble(report, terminal);
    printJson(report, terminal);
    return;
  }
  const isNothingNew = report.tables.every(({ extracted }) => extracted === 0);
  if (isNothingNew) terminal.info(formatNothingNew(report));
  else printTable(report, terminal);
  for (const line of formatDeleted(report)) terminal.info(line);
  for (const line of formatLeftOut(report.looks, report)) terminal.info(line);
  printTrouble(report, terminal);
}

function printJson({ run, seconds, ok, tables, looks }: RunReport, terminal: Terminal): void {
  terminal.result(JSON.stringify({ run, seconds, ok, tables, looks }));
}

/** Says "nothing new" only of what was looked at. */
export function formatNothingNew({
  ok,
  run,
  seconds,
  leftOut,
  tables,
  looks,
}: Pick<RunReport, 'ok' | 'run' | 'seconds' | 'leftOut' | 'tables' | 'looks'>): string {
  const took = `(${seconds.toFixed(1)} s)`;
  const where = leftOutOf(looks).length === 0 ? 'the source' : 'the tables that were looked at';
  if (ok && tables.some(({ deleted }) => deleted > 0)) return `No new rows in ${where} ${took}.`;
  if (ok) return `Nothing new in ${where} ${took}.`;
  // After a clock was set back, ids are ahead of it.
  const asOf = formatTime(new Date(Math.min(timeOfRun(run).getTime(), Date.now())));
  if (leftOut.length > 0)
    return `Nothing was loaded as of ${asOf}; not looked at: ${leftOut.join(', ')} ${took}.`;
  return `Nothing was loaded, and not all is well as of ${asOf} ${took}:`;
}

/** Of rows of any age: those that are deleted were loaded before. */
export function formatDeleted({ tables, removing }: Pick<RunReport, 'tables' | 'removing'>): string[] {
  const say = (word: string, isOf: (table: string) => boolean) => {
    const parts = tables.flatMap(({ table, deleted }) =>
      deleted > 0 && isOf(table) ? [`${formatRows(deleted)} of ${table}`] : [],
    );
    return parts.length === 0 ? [] : [`Deleted in the source, and ${word}: ${parts.join(', ')}.`];
  };
  return [
    ...say('marked', (table) => !removing.includes(table)),
    ...say('removed', (table) => removing.includes(table)),
  ];
}

function printTable(report: RunReport, terminal: Terminal): void {
  const columns = ['extracted', 'loaded', 'waiting', 'quarantined', 'failed'] as const;
  const lines = formatTable(
    [{ name: 'table' }, { name: 'source' }, ...columns.map((name) => ({ name, align: 'right' as const }))],
    report.tables.map((tally) => [
      tally.table,
      tally.source ?? 'every date',
      ...columns.map((name) => formatCount(tally[name])),
    ]),
    terminal.columns,
  );
  terminal.info('');
  for (const line of lines) terminal.verbatim(line);
  const loaded = report.tables.reduce((sum, tally) => sum + tally.loaded, 0);
  terminal.info('');
  terminal.info(
    `${terminal.style(report.ok ? 'green' : 'yellow', report.ok ? 'All loaded' : 'Not all loaded')}: ` +
      `${formatRows(loaded)} in ${report.seconds.toFixed(1)} s.`,
  );
}

function printWarnings(warnings: readonly string[], terminal: Terminal): void {
  for (const warning of warnings) terminal.info(`${terminal.style('yellow', 'warning:')} ${warning}`);
}

const printTrouble = (report: RunReport, terminal: Terminal): void => {
  for (const line of formatTrouble(report, terminal)) terminal.info(line);
};

const shownGroups = 10;

type Trouble = Pick<
  RunReport,
  'selector' | 'deadLetters' | 'failures' | 'quarantined' | 'waiting' | 'findings'
>;

/** Each thing that needs attention, followed by a line with the command that fixes it or shows more. */
export function formatTrouble(report: Trouble, { style }: Pick<Terminal, 'style'>): string[] {
  const { deadLetters, failures, quarantined, findings } = report;
  const say = (text: string, hint: string) => [`${style('red', '!')} ${text}`, `    ${hint}`];
  const command = (text: string) => commandFor(report, text);
  const groups = groupFailures(
    listUnexplained(deadLetters, findings).map((letter) => ({ ...letter, isExpired: false })),
    report,
  );
  const unsent = failures.filter(({ table }) => !deadLetters.some((letter) => letter.table === table));
  return [
    ...groups
      .slice(0, shownGroups)
      .flatMap((group) =>
        say(
          describeGroup(group),
          group.mend === group.redrive ? `once that is fixed: ${group.redrive}` : group.mend,
        ),
      ),
    ...(groups.length > shownGroups
      ? say(`and ${groups.length - shownGroups} more failures`, command('failures'))
      : []),
    ...unsent.flatMap(({ table, reason }) =>
      say(`${table} cannot be extracted: ${reason}`, `once that is fixed: ${command('run')}`),
    ),
    ...[...quarantined].flatMap(([table, rows]) =>
      say(`${formatRows(rows)} of ${table} broke the contract`, command(`quarantine --table ${table}`)),
    ),
    ...[...waitingByTable(report)].flatMap(([table, rows]) =>
      say(
        `${formatRows(rows)} of ${table} ${rows === 1 ? 'waits' : 'wait'}`,
        command(`waiting --table ${table}`),
      ),
    ),
    ...findings.flatMap(({ text, command: next }) => say(text, next)),
  ];
}

/** None while a table is gone or cannot be read: rows may wait for just that, and `waiting` could not say. */
function waitingByTable({ waiting, findings }: Trouble): Map<string, number> {
  const counts = new Map<string, number>();
  if (findings.some(({ unloadable = [] }) => unloadable.length > 0)) return counts;
  for (const { table, rows } of waiting) counts.set(table, (counts.get(table) ?? 0) + rows);
  return counts;
}

/**
 * Prints one line per watch cycle that found changes. Prints what needs attention, and each warning, when it is new.
 */
export function makeCyclePrinter(terminal: Terminal): (report: RunReport) => void {
  let printedTrouble: string[] = [];
  let printedWarnings: readonly string[] = [];
  return (report) => {
    printCycle(report, terminal);
    printWarnings(
      report.warnings.filter((warning) => !printedWarnings.includes(warning)),
      terminal,
    );
    printedWarnings = report.warnings;
    const trouble = formatTrouble(report, terminal);
    // What needs attention and its command, a line each.
    for (const [index, line] of trouble.entries()) {
      const what = withoutCount(trouble[index - (index % 2)] ?? line);
      if (!printedTrouble.includes(what)) terminal.info(line);
    }
    const isOver = trouble.length === 0 && printedTrouble.length > 0;
    printedTrouble = trouble.map(withoutCount);
    if (isOver) terminal.info(terminal.style('green', 'Nothing needs attention any more.'));
  };
}

/** One more message of the same failure is no news. */
const withoutCount = (line: string): string => line.replace(/ \([\d,]+ messages\)$/, '');

function printCycle(report: RunReport, terminal: Terminal): void {
  const changed = report.tables.filter(({ extracted, deleted }) => extracted + deleted > 0);
  if (terminal.json) printJson(report, terminal);
  else if (changed.length > 0) {
    const parts = changed.map(({ table, extracted, loaded, deleted }) =>
      [
        table,
        ...(extracted > 0 ? [formatCount(loaded)] : []),
        ...(deleted > 0 ? [`−${formatCount(deleted)}`] : []),
      ].join(' '),
    );
    terminal.info(`${formatTime(new Date())}  ${parts.join(', ')}  (${report.seconds.toFixed(1)} s)`);
  }
}
