import { formatTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatCount, formatRows } from '../terminal/wording.ts';

export type DifferenceKind = 'missing' | 'extra' | 'doubled' | 'different' | 'dangling';

/** One difference, for a person to look up; values are Postgres' text, null is null. */
export interface Example {
  kind: DifferenceKind;
  table: string;
  /** The business key. */
  key: string;
  column?: string;
  expected?: string | null;
  found?: string | null;
}

export interface TableReport {
  table: string;
  /** Rows that the source asks for. */
  expected: number;
  /** How many of them the warehouse has, right or wrong: expected = found + missing. */
  found: number;
  missing: number;
  /** Rows whose key the source does not have. */
  extra: number;
  /** Rows beyond the first of one key (and version). */
  doubled: number;
  /** Rows that are there with other values. */
  different: number;
  /** References to a dimension row that is not there. */
  dangling: number;
  /** Up to five of each kind. */
  examples: Example[];
  /** Why the whole table could not be compared. */
  problem?: string;
}

export interface VerifyReport {
  ok: boolean;
  tables: TableReport[];
}

const maxExamples = 5;

export const makeTableReport = (table: string): TableReport => ({
  table,
  expected: 0,
  found: 0,
  missing: 0,
  extra: 0,
  doubled: 0,
  different: 0,
  dangling: 0,
  examples: [],
});

export const isClean = (report: TableReport): boolean =>
  report.problem === undefined &&
  report.missing + report.extra + report.doubled + report.different + report.dangling === 0;

/** The example is made only where there is room for it. */
export function addExample(
  report: TableReport,
  kind: DifferenceKind,
  make: () => Omit<Example, 'kind' | 'table'>,
) {
  if (report.examples.filter((example) => example.kind === kind).length >= maxExamples) return;
  report.examples.push({ kind, table: report.table, ...make() });
}

const countColumns = ['expected', 'found', 'missing', 'extra', 'doubled', 'different', 'dangling'] as const;

/** A table of counts, a line for each example, and what it means. */
export function printReport({ ok, tables }: VerifyReport, terminal: Terminal): void {
  const lines = formatTable(
    [{ name: 'table' }, ...countColumns.map((name) => ({ name, align: 'right' as const }))],
    tables.map((report) => [report.table, ...countColumns.map((name) => formatCount(report[name]))]),
    terminal.columns,
  );
  for (const line of lines) terminal.verbatim(line);
  terminal.info('');
  for (const { problem } of tables) {
    if (problem !== undefined) terminal.info(`${terminal.style('red', '!')} ${problem}`);
  }
  for (const example of tables.flatMap(({ examples }) => examples)) {
    terminal.info(`${terminal.style('red', '!')} ${formatExample(example)}`);
  }
  terminal.info(conclude(ok, tables, terminal));
}

export function printExtraRow(table: string, key: string, version: string, terminal: Terminal): void {
  terminal.info(`${table} ${key}${version === '' ? '' : ` of ${version}`}: no longer in the source`);
}

/** The report as --json gives it: a table's examples and problem only where it has any. */
export function toJson({ ok, tables }: VerifyReport) {
  return {
    ok,
    tables: tables.map(({ examples, ...report }) => ({
      ...report,
      ...(examples.length > 0 && { examples }),
    })),
  };
}

/** @example 'fact_payment 7 is different: payment_amount is 12.01 in the warehouse, 12.00 in the source' */
export function formatExample({ kind, table, key, column, expected, found }: Example): string {
  const row = `${table} ${key}`;
  switch (kind) {
    case 'missing':
      if (expected === undefined) return `${row} is missing`;
      return found === undefined
        ? `${row} is missing: no version of ${column} ${expected}`
        : `${row} is missing: no version of ${column} ${expected}; the latest there is ${found}`;
    case 'extra':
      return `${row} is extra: the source has no row of this key`;
    case 'doubled':
      return `${row} is doubled${found === undefined ? '' : `: ${column} ${found}`}`;
    case 'different':
      return `${row} is different: ${column} is ${show(found)} in the warehouse, ${show(expected)} in the source`;
    case 'dangling':
      return `${row} dangles: its ${column} ${show(found)} is not in the dimension`;
  }
}

/** JSON tells '' from null, and lets no line break or control character through to the terminal. */
const show = (value: string | null | undefined): string => JSON.stringify(value ?? null);

function conclude(ok: boolean, tables: readonly TableReport[], terminal: Terminal): string {
  const expected = tables.reduce((sum, table) => sum + table.expected, 0);
  if (ok) {
    return terminal.style(
      'green',
      `The warehouse is exact: it has every row of ${tables.length} tables with its values (${formatRows(expected)}), none doubled or dangling.`,
    );
  }
  const parts = countColumns.slice(2).flatMap((name) => {
    const count = tables.reduce((sum, table) => sum + table[name], 0);
    return count === 0 ? [] : [`${formatCount(count)} ${name}`];
  });
  const skipped = tables.filter(({ problem }) => problem !== undefined).length;
  if (skipped > 0)
    parts.push(skipped === 1 ? '1 table not compared in full' : `${skipped} tables not compared in full`);
  return terminal.style(
    'red',
    `The warehouse is not an exact copy: ${parts.join(', ')}. Rows that were written to the source after the last run count as missing until the next run.`,
  );
}
