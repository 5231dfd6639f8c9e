import { starSchema } from '../../shared/star-schema/star-schema.ts';
import { commandFor } from '../operator/target.ts';
import { formatTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import type { RunReport } from './run-once.ts';
import type { LedgerCount } from './tally.ts';

const showCount = (rows: number): string => rows.toLocaleString('en');

/** A live line per table; writes nothing where nobody watches. */
export function drawProgress(counts: readonly LedgerCount[], terminal: Terminal): void {
  terminal.redraw(
    starSchema.tables.map(({ name }) => {
      const rows = counts.find(({ table }) => table === name)?.rows ?? 0;
      return `  ${name.padEnd(20)} ${showCount(rows).padStart(12)} rows loaded`;
    }),
  );
}

/** What a run came to, and what needs a hand; with --json one line of it as the last one of stdout. */
export function printReport(report: RunReport, terminal: Terminal): void {
  terminal.redraw([]);
  for (const warning of report.warnings) terminal.info(`${terminal.style('yellow', 'warning:')} ${warning}`);
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

/** One line for a look that found something, none for one that did not. */
export function printTick(report: RunReport, terminal: Terminal): void {
  const changed = report.tables.filter(({ extracted }) => extracted > 0);
  if (terminal.json)
    terminal.result(
      JSON.stringify({ run: report.run, seconds: report.seconds, ok: report.ok, tables: report.tables }),
    );
  else if (changed.length > 0) {
    const parts = changed.map(({ table, loaded }) => `${table} ${showCount(loaded)}`);
    terminal.info(
      `${new Date().toLocaleTimeString('en-GB')}  ${parts.join(', ')}  (${report.seconds.toFixed(1)} s)`,
    );
  }
  printTrouble(report, terminal);
}

function printTable(report: RunReport, terminal: Terminal): void {
  const columns = ['extracted', 'loaded', 'waiting', 'quarantined', 'failed'] as const;
  const lines = formatTable(
    [{ name: 'table' }, { name: 'source' }, ...columns.map((name) => ({ name, align: 'right' as const }))],
    report.tables.map((tally) => [
      tally.table,
      tally.source ?? 'every date',
      ...columns.map((name) => showCount(tally[name])),
    ]),
  );
  terminal.info('');
  for (const line of lines) terminal.info(line);
  const loaded = report.tables.reduce((sum, tally) => sum + tally.loaded, 0);
  terminal.info('');
  terminal.info(
    `${terminal.style(report.ok ? 'green' : 'yellow', report.ok ? 'All loaded' : 'Not all loaded')}: ` +
      `${showCount(loaded)} rows in ${report.seconds.toFixed(1)} s.`,
  );
}

/** Each thing that needs a hand, in one line that says how to look closer. */
function printTrouble(report: RunReport, terminal: Terminal): void {
  const { waiting, quarantined, deadLetters, failures } = report;
  const command = (text: string) => commandFor(report, text);
  const say = (text: string) => terminal.info(`${terminal.style('red', '!')} ${text}`);
  for (const { queue, table, key, reason } of deadLetters.slice(0, 10)) {
    say(`dead letter in ${queue}: ${[table, key].filter(Boolean).join(' ')}: ${reason}`);
  }
  if (deadLetters.length > 10) say(`and ${deadLetters.length - 10} more dead letters`);
  for (const { table, reason } of failures) {
    if (!deadLetters.some((letter) => letter.table === table)) say(`${table} cannot be read: ${reason}`);
  }
  for (const [table, rows] of quarantined) {
    say(`${showCount(rows)} rows of ${table} broke the contract: ${command(`quarantine --table ${table}`)}`);
  }
  for (const { table, rows } of waiting) {
    say(
      `${showCount(rows)} rows of ${table} wait for a dimension row: ${command(`waiting --table ${table}`)}`,
    );
  }
  if (deadLetters.length > 0)
    say(`mend the cause, then: ${command('redrive')} (${command('failures')} says more)`);
}
