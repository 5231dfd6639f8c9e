import { withSite } from '../options/site-options.ts';
import { commandFor } from '../site/site.ts';
import { readStatus } from '../status/read-status.ts';
import type { QueueStatus, RunStatus, Status, TableStatus } from '../status/status.ts';
import { formatTable, type TableColumn } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatTime } from '../terminal/time.ts';
import { formatCount, formatRows } from '../terminal/wording.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  run: (values, _positionals, terminal) =>
    withSite(values, async (site) => {
      const status = await readStatus(site);
      if (terminal.json) terminal.result(JSON.stringify(status));
      else printStatus(status, terminal, site.selector === '' ? 'npm start' : commandFor(site, 'run'));
      return status.ok ? 0 : 1;
    }),
};

const right = (name: string): TableColumn => ({ name, align: 'right' });

/**
 * One screen: tables, queues, the last run, and what needs attention with the command that fixes it.
 *
 * @param begin the command of a first run
 */
export function printStatus(
  { ok, run, tables, queues, troubles }: Status,
  terminal: Terminal,
  begin = 'npm start',
): void {
  if (tables.length === 0) terminal.info(`Nothing has been loaded yet. Begin with: ${begin}`);
  else for (const line of formatTables(tables, terminal.columns)) terminal.verbatim(line);
  terminal.info('');
  for (const line of formatQueues(queues, terminal.columns)) terminal.verbatim(line);
  terminal.info('');
  if (run !== null) printRun(run, terminal);
  for (const { text, command } of troubles) {
    terminal.info(`${terminal.style('red', '!')} ${text}`);
    terminal.info(`    ${command}`);
  }
  terminal.info(
    ok
      ? terminal.style('green', 'Nothing needs attention.')
      : terminal.style('yellow', 'Something needs attention.'),
  );
}

const formatTables = (tables: readonly TableStatus[], maxWidth?: number): string[] =>
  formatTable(
    [
      { name: 'table' },
      { name: 'as of' },
      ...['newest change', 'rows', 'in flight', 'waiting', 'quarantined', 'dead letters'].map(right),
    ],
    tables.map(({ table, snapshotAt, lagSeconds, ...counts }) => [
      table,
      snapshotAt === null ? 'never' : formatTime(snapshotAt),
      lagSeconds === null ? '' : `${showDuration(lagSeconds)} ago`,
      ...[counts.rows, counts.inFlight, counts.waiting, counts.quarantined, counts.deadLetters].map(
        formatCount,
      ),
    ]),
    maxWidth,
  );

const formatQueues = (queues: readonly QueueStatus[], maxWidth?: number): string[] =>
  formatTable(
    [{ name: 'queue' }, ...['ready', 'in flight', 'oldest', 'dead letters', 'oldest dead letter'].map(right)],
    queues.map(({ queue, ready, inFlight, oldestSeconds, deadLetters, oldestDeadLetterSeconds }) => [
      queue,
      ...[formatCount(ready), formatCount(inFlight), showAge(oldestSeconds)],
      ...[formatCount(deadLetters), showAge(oldestDeadLetterSeconds)],
    ]),
    maxWidth,
  );

function printRun({ run, plannedAt, slices, loaded, warnings }: RunStatus, terminal: Terminal): void {
  const what = slices === 1 ? '1 slice' : `${formatCount(slices)} slices`;
  terminal.info(
    `Last run with changes: ${run}, ${plannedAt === null ? 'never' : formatTime(plannedAt)}, ${what}, ${formatRows(loaded)} loaded.`,
  );
  for (const warning of warnings) terminal.info(`${terminal.style('yellow', 'warning:')} ${warning}`);
}

const showAge = (seconds: number | null): string => (seconds === null ? '' : showDuration(seconds));

/** In the greatest unit that makes two at least: 90 s, 3 min, 47 h, 12 d. */
function showDuration(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${formatCount(Math.floor(seconds / 86_400))} d`;
}
