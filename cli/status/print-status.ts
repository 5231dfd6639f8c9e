import { formatTable, type TableColumn } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatDuration, formatTime } from '../terminal/time.ts';
import { formatCount, formatRows } from '../terminal/wording.ts';
import { countLooks, leftOutOf } from './describe-looks.ts';
import { formatReads } from './describe-reads.ts';
import type { QueueStatus } from './evidence/read-queues.ts';
import type { RunStatus, Status, TableStatus } from './status.ts';

const right = (name: string): TableColumn => ({ name, align: 'right' });

/**
 * One screen: tables, what is under way, queues, plans, and what needs attention with the command that fixes it.
 *
 * @param begin the command of a first run
 */
export function printStatus(status: Status, terminal: Terminal, begin: string): void {
  const { ok, tables, queues, run, troubles, isLoaded } = status;
  const show = (lines: readonly string[]) => {
    for (const line of lines) terminal.verbatim(line);
    if (lines.length > 0) terminal.info('');
  };
  if (!isLoaded && troubles.every(({ kind }) => kind !== 'not loaded')) {
    terminal.info(`Nothing has been loaded yet. Begin with: ${begin}`);
    terminal.info('');
  }
  show(isLoaded && tables.length > 0 ? formatTables(status) : []);
  show(formatUnderWay(tables));
  show(queues.length === 0 ? [] : formatQueues(queues, terminal.columns));
  printPlans(status, terminal);
  if (run !== null) printRun(run, terminal);
  for (const line of formatReads(status.reads)) terminal.info(line);
  printVerified(status, terminal);
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

const notKnown = 'not known';

function formatTables({ tables, areRecordsKnown }: Status): string[] {
  const hasFresh = tables.some(({ freshAt }) => freshAt !== null);
  const none = areRecordsKnown ? 'not loaded yet' : notKnown;
  const formatInstant = (at: string | null) => (at === null ? none : formatTime(at));
  const fresh: TableColumn[] = hasFresh ? [{ name: 'fresh as of' }] : [];
  const lines = formatTable(
    [
      { name: 'table' },
      ...fresh,
      { name: hasFresh ? 'exact as of' : 'as of' },
      ...['age', 'rows', 'versions'].map(right),
    ],
    tables.map(({ table, snapshotAt, freshAt, freshAgeSeconds, ageSeconds, rows, versions }) => [
      table,
      ...(hasFresh ? [formatInstant(freshAt ?? snapshotAt)] : []),
      formatInstant(snapshotAt),
      formatAge(freshAgeSeconds ?? ageSeconds),
      rows === null ? '' : formatCount(rows),
      formatCount(versions),
    ]),
  );
  const by = new Set(tables.flatMap(({ freshBy }) => freshBy ?? []));
  return by.size === 0
    ? lines
    : [
        ...lines,
        `Fresh by ${[...by].join(', ')}: what was changed without that is there as of the exact time.`,
      ];
}

/** Only tables with work that is not where it should be: most of the time there are none. */
function formatUnderWay(tables: readonly TableStatus[]): string[] {
  const moving = tables.filter(
    ({ inFlight, waiting, quarantined, deadLetters }) =>
      inFlight !== 0 || waiting + quarantined + deadLetters > 0,
  );
  if (moving.length === 0) return [];
  return formatTable(
    [{ name: 'table' }, ...['in flight', 'waiting', 'quarantined', 'dead letters'].map(right)],
    moving.map(({ table, inFlight, waiting, quarantined, deadLetters }) => [
      table,
      inFlight === null ? 'not counted' : formatCount(inFlight),
      ...[waiting, quarantined, deadLetters].map(formatCount),
    ]),
  );
}

const formatQueues = (queues: readonly QueueStatus[], maxWidth?: number): string[] =>
  formatTable(
    [{ name: 'queue' }, ...['ready', 'in flight', 'oldest', 'dead letters', 'oldest dead letter'].map(right)],
    queues.map(({ queue, ready, inFlight, oldestSeconds, deadLetters, oldestDeadLetterSeconds }) => [
      queue,
      ...[formatCount(ready), formatCount(inFlight), formatAge(oldestSeconds)],
      ...[formatCount(deadLetters), formatAge(oldestDeadLetterSeconds)],
    ]),
    maxWidth,
  );

function printPlans({ plan, running, checkedAt, areRecordsKnown }: Status, terminal: Terminal): void {
  const { succeededAt } = plan;
  const ago = succeededAt === null ? '' : formatDuration(secondsBetween(succeededAt, checkedAt));
  const none = areRecordsKnown ? 'none' : notKnown;
  const last =
    succeededAt === null ? `Last plan: ${none}.` : `Last plan: ${formatTime(succeededAt)} (${ago} ago).`;
  terminal.info(`${last} ${describeRunning(running)}`);
  if (leftOutOf(plan.looks).length > 0) terminal.info(countLooks(plan.looks));
}

function describeRunning({ isRunning, pid, everySeconds }: Status['running']): string {
  if (!isRunning) return 'Nobody is running.';
  if (pid === null)
    return everySeconds === null ? '' : `A plan is due every ${formatDuration(everySeconds)}.`;
  const every = everySeconds === null ? '' : `, and plans every ${formatDuration(everySeconds)}`;
  return `Process ${pid} is running${every}.`;
}

function printRun({ run, plannedAt, slices, loaded, warnings }: RunStatus, terminal: Terminal): void {
  const what = slices === 1 ? '1 slice' : `${formatCount(slices)} slices`;
  const rows = loaded === null ? '' : `, ${formatRows(loaded)} loaded`;
  terminal.info(
    `Last run with changes: ${run}, ${plannedAt === null ? 'never' : formatTime(plannedAt)}, ${what}${rows}.`,
  );
  for (const warning of warnings) terminal.info(`${terminal.style('yellow', 'warning:')} ${warning}`);
}

function printVerified({ verified, checkedAt, areRecordsKnown }: Status, terminal: Terminal): void {
  if (verified === null) {
    terminal.info(`Verified: ${areRecordsKnown ? 'never' : notKnown}.`);
    return;
  }
  const { at, exact, inexact, different } = verified;
  const others = inexact.filter((table) => !different.includes(table));
  const result = [
    ...(exact ? ['exact'] : []),
    ...(different.length > 0 ? [`${different.join(', ')} differed`] : []),
    ...(others.length > 0
      ? [`${others.join(', ')} had rows that the source has no longer, or could not be compared`]
      : []),
  ].join('; ');
  const ago = formatDuration(secondsBetween(at, checkedAt));
  terminal.info(`Verified: ${formatTime(at)} (${ago} ago), ${result}.`);
}

const formatAge = (seconds: number | null): string => (seconds === null ? '' : formatDuration(seconds));

const secondsBetween = (from: string, to: string): number =>
  Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);
