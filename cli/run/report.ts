import { starSchema } from '../../shared/star-schema/star-schema.ts';
import { describeGroup, groupFailures } from '../failures/list-failures.ts';
import type { LedgerCount } from '../site/ledger.ts';
import { commandFor } from '../site/site.ts';
import { formatTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatCount, formatRows } from '../terminal/wording.ts';
import type { RunReport } from './run-once.ts';

/** @returns a function that draws a live line per table; undefined unless the terminal is interactive */
export function showProgress(terminal: Terminal): ((counts: readonly LedgerCount[]) => void) | undefined {
  if (!terminal.isInteractive) return undefined;
  return (counts) => {
    const lines = starSchema.tables.map(({ name }) => {
      const rows = counts.find(({ table }) => table === name)?.rows ?? 0;
      return `  ${name.padEnd(20)} ${formatCount(rows).padStart(12)} rows loaded`;
    });
    terminal.redraw(lines);
  };
}

/** Prints the run's outcome and what needs attention; with --json the outcome is the last line of stdout. */
export function printReport(report: RunReport, terminal: Terminal): void {
  terminal.redraw([]);
  printWarnings(report.warnings, terminal);
  if (terminal.json) {
    const { run, seconds, ok, tables } = report;
    printTrouble(report, terminal);
    terminal.result(JSON.stringify({ run, seconds, ok, tables }));
    return;
  }
  const isNothingNew = report.tables.every(({ extracted }) => extracted === 0);
  if (isNothingNew) terminal.info(`Nothing new in the source (${report.seconds.toFixed(1)} s).`);
  else printTable(report, terminal);
  printTrouble(report, terminal);
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

type Trouble = Pick<RunReport, 'selector' | 'deadLetters' | 'failures' | 'quarantined' | 'waiting'>;

/** Each thing that needs attention, followed by a line with the command that fixes it or shows more. */
export function formatTrouble(report: Trouble, { style }: Pick<Terminal, 'style'>): string[] {
  const { deadLetters, failures, quarantined } = report;
  const say = (text: string, hint: string) => [`${style('red', '!')} ${text}`, `    ${hint}`];
  const command = (text: string) => commandFor(report, text);
  const groups = groupFailures(
    deadLetters.map((letter) => ({ ...letter, isExpired: false })),
    report,
  );
  const unsent = failures.filter(({ table }) => !deadLetters.some((letter) => letter.table === table));
  return [
    ...groups
      .slice(0, shownGroups)
      .flatMap((group) => say(describeGroup(group), `once that is fixed: ${group.redrive}`)),
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
  ];
}

function waitingByTable({ waiting }: Trouble): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { table, rows } of waiting) counts.set(table, (counts.get(table) ?? 0) + rows);
  return counts;
}

/**
 * Prints one line per watch cycle that found changes. Prints what needs attention, and warnings, whenever they change.
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
    if (trouble.join() === printedTrouble.join()) return;
    printedTrouble = trouble;
    for (const line of trouble) terminal.info(line);
    if (trouble.length === 0) terminal.info(terminal.style('green', 'Nothing needs attention any more.'));
  };
}

function printCycle(report: RunReport, terminal: Terminal): void {
  const changed = report.tables.filter(({ extracted }) => extracted > 0);
  if (terminal.json)
    terminal.result(
      JSON.stringify({ run: report.run, seconds: report.seconds, ok: report.ok, tables: report.tables }),
    );
  else if (changed.length > 0) {
    const parts = changed.map(({ table, loaded }) => `${table} ${formatCount(loaded)}`);
    terminal.info(
      `${new Date().toLocaleTimeString('en-GB')}  ${parts.join(', ')}  (${report.seconds.toFixed(1)} s)`,
    );
  }
}

/**
 * Whether the command itself reports what the line says: it ends with the reason why a plan failed, and its report
 * lists every dead letter.
 */
export function isReportedByCommand(line: string): boolean {
  const entry = parseEntry(line);
  if (entry?.level !== 'ERROR') return false;
  return entry.service === 'starlift-plan' || /dead-letter queue/.test(String(entry.message));
}

/**
 * Formats a line of a service's log for a person. A line that is not one of ours is returned unchanged.
 *
 * @param line one JSON object of the services' logger, or any other line that a worker wrote
 * @example
 * formatServiceLog('{"level":"WARN","service":"starlift-load","message":"the message goes back to its queue",…}')
 * // 'load: the message goes back to its queue: fact_payment/…parquet: connect ECONNREFUSED'
 */
export function formatServiceLog(line: string): string {
  const entry = parseEntry(line);
  if (entry === undefined) return line;
  const { service, message, key, table, error } = entry;
  const stage = String(service ?? 'service').replace(/^starlift-/, '');
  const reason = isObject(error) ? error.message : undefined;
  return [stage, message, key ?? table, reason]
    .filter((part) => typeof part === 'string' && part !== '')
    .join(': ');
}

function parseEntry(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const entry: unknown = JSON.parse(line);
    return isObject(entry) && typeof entry.message === 'string' ? entry : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
