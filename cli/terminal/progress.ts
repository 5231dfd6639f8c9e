import type { Terminal } from './terminal.ts';
import { formatCount } from './wording.ts';

/** How far one part of long work is, such as a table. */
export interface ProgressPart {
  name: string;
  /** Rows. */
  done: number;
  /** About how many rows there are in all; undefined where nobody knows. */
  total?: number | undefined;
}

/** In a pipe. */
export const lineEveryMs = 10_000;
/** An earlier estimate would jump about. */
const estimateAfterSeconds = 2;

/**
 * Makes the display of long work: on a terminal a line for each part and one for all of it, drawn over and over; in a pipe
 * the one for all of it, every 10 s.
 *
 * @param now milliseconds of a clock that nobody sets
 * @returns of the display: `all` is the sum of the parts, unless it is given, because only some of them are shown
 */
export function makeProgress(
  terminal: Pick<Terminal, 'isInteractive' | 'redraw' | 'info'>,
  now: () => number = () => performance.now(),
): (parts: readonly ProgressPart[], all?: Omit<ProgressPart, 'name'>) => void {
  const begun = now();
  let lineAt = begun + lineEveryMs;
  return (parts, all) => {
    const last = formatProgress(all ?? sumOf(parts), (now() - begun) / 1000);
    if (terminal.isInteractive) {
      terminal.redraw([...formatParts(parts), `  ${last}`]);
    } else if (now() >= lineAt) {
      lineAt = now() + lineEveryMs;
      // What is shown of the parts says where the work is.
      const names = all === undefined ? [] : parts.map(({ name }) => name);
      terminal.info([...names, last].join(': '));
    }
  };
}

/** The total counts only where that of every part is known. */
function sumOf(parts: readonly ProgressPart[]): Omit<ProgressPart, 'name'> {
  const done = parts.reduce((sum, part) => sum + part.done, 0);
  const isKnown = parts.some(({ total }) => total !== undefined);
  // A part without a total is small, or new: what it has is all that is known of it.
  const total = parts.reduce((sum, part) => sum + Math.max(part.total ?? 0, part.done), 0);
  return isKnown ? { done, total } : { done };
}

function formatParts(parts: readonly ProgressPart[]): string[] {
  const width = Math.max(0, ...parts.map(({ name }) => name.length));
  return parts.map(({ name, done, total }) => {
    const share = total === undefined ? '' : ` of ${formatCount(total)}${formatPercent(done, total)}`;
    return `  ${name.padEnd(width)} ${formatCount(done).padStart(12)}${share}`;
  });
}

/**
 * @example
 * formatProgress({ done: 450_000, total: 2_000_000 }, 12)
 * // '450,000 of 2,000,000 rows (22 %), 37,500 rows/s, 12 s, about 41 s left'
 */
export function formatProgress({ done, total }: Omit<ProgressPart, 'name'>, seconds: number): string {
  const rate = seconds > 0 ? done / seconds : 0;
  const left = total === undefined || rate === 0 ? undefined : Math.max(0, total - done) / rate;
  const share = total === undefined ? '' : ` of ${formatCount(total)}`;
  const parts = [
    `${formatCount(done)}${share} rows${total === undefined ? '' : formatPercent(done, total)}`,
    `${formatCount(Math.round(rate))} rows/s`,
    formatSeconds(seconds),
  ];
  if (left !== undefined && seconds >= estimateAfterSeconds) parts.push(`about ${formatSeconds(left)} left`);
  return parts.join(', ');
}

/** 100 % is said of what is done, not of what is nearly so. */
function formatPercent(done: number, total: number): string {
  if (total <= 0) return '';
  return ` (${done >= total ? 100 : Math.min(99, Math.floor((100 * done) / total))} %)`;
}

function formatSeconds(seconds: number): string {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
