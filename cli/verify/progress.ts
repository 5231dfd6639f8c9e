import { makeProgress } from '../terminal/progress.ts';
import type { Terminal } from '../terminal/terminal.ts';
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
 * Shows how far a comparison is: the table that is compared now, and all of them. By a timer, because a server that sorts a
 * table sends nothing of it for a long time.
 *
 * @param now milliseconds
 */
export function showProgress(
  terminal: Pick<Terminal, 'isInteractive' | 'info' | 'redraw'>,
  now: () => number = () => performance.now(),
): Progress {
  const show = makeProgress(terminal, now);
  let sizes: ReadonlyMap<string, number> = new Map();
  let current: TableReport | undefined;
  let done = 0;
  const draw = () => {
    const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    if (current === undefined) return show([], { done, total });
    const { table, expected } = current;
    const size = sizes.get(table);
    // An estimate may be too low.
    const part = { name: table, done: expected, total: size && Math.max(size, expected) };
    show([part], { done: done + Math.min(expected, size ?? 0), total });
  };
  const timer = setInterval(draw, drawEveryMs);
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
