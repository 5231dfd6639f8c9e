import { lineEveryMs } from '../terminal/progress.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatCount } from '../terminal/wording.ts';
import type { TableReport } from './report.ts';

const drawEveryMs = 250;

export interface Progress {
  /** @param sizes about how many rows each table has; a table without is not counted in the percentage */
  onSizes(sizes: ReadonlyMap<string, number>): void;
  onStart(report: TableReport): void;
  onTable(report: TableReport): void;
  stop(): void;
}

/**
 * Shows how far a comparison is: on a terminal a line that is drawn over itself, elsewhere a new line every 10 seconds.
 *
 * @param now milliseconds
 */
export function showProgress(
  terminal: Pick<Terminal, 'isInteractive' | 'info' | 'redraw'>,
  now: () => number = () => performance.now(),
): Progress {
  const startedAt = now();
  let sizes: ReadonlyMap<string, number> = new Map();
  let current: TableReport | undefined;
  let done = 0;
  const sized = (report: TableReport | undefined) =>
    report === undefined ? 0 : Math.min(report.expected, sizes.get(report.table) ?? 0);
  const show = () => {
    const lines = formatProgress({
      table: current?.table,
      rows: current?.expected ?? 0,
      tableRows: current === undefined ? undefined : sizes.get(current.table),
      done: done + sized(current),
      total: [...sizes.values()].reduce((sum, size) => sum + size, 0),
      seconds: (now() - startedAt) / 1000,
    });
    if (terminal.isInteractive) terminal.redraw(lines.map((line) => `  ${line}`));
    else terminal.info(lines.join('; '));
  };
  const timer = setInterval(show, terminal.isInteractive ? drawEveryMs : lineEveryMs);
  timer.unref();
  return {
    onSizes: (known) => {
      sizes = known;
    },
    onStart: (report) => {
      current = report;
    },
    onTable: (report) => {
      done += sizes.get(report.table) ?? 0;
      current = undefined;
    },
    stop: () => {
      clearInterval(timer);
      terminal.redraw([]);
    },
  };
}

export interface ProgressFacts {
  /** The table that is compared now. */
  table: string | undefined;
  /** How many of its rows are compared. */
  rows: number;
  /** About how many it has; undefined if unknown. */
  tableRows: number | undefined;
  /** Of all tables whose size is known. */
  done: number;
  total: number;
  seconds: number;
}

/**
 * Two lines, for both are not to be longer than a terminal is wide.
 *
 * @example
 * ['fact_payment: 120,000 of about 200,000 rows', '41 % of all, 90,000 rows/s, 0:12 so far, about 0:17 more']
 */
export function formatProgress({ table, rows, tableRows, done, total, seconds }: ProgressFacts): string[] {
  const of = tableRows === undefined ? '' : ` of about ${formatCount(Math.max(tableRows, rows))}`;
  const what = table === undefined ? 'comparing' : `${table}: ${formatCount(rows)}${of} rows`;
  const elapsed = `${formatDuration(seconds)} so far`;
  // Until a server has sorted a table it sends nothing of it.
  if (done === 0 || total === 0) return [what, elapsed];
  const share = Math.min(99, Math.floor((100 * done) / total));
  const rate = done / seconds;
  const more = formatDuration(Math.max(0, total - done) / rate);
  return [what, `${share} % of all, ${formatCount(Math.round(rate))} rows/s, ${elapsed}, about ${more} more`];
}

/** @example '1:02:03' */
function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = String(rest).padStart(2, '0');
  return hours === 0 ? `${minutes}:${tail}` : `${hours}:${String(minutes).padStart(2, '0')}:${tail}`;
}
