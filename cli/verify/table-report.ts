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
