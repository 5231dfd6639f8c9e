import { commandFor, type Site } from '../site/site.ts';
import { formatTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatTime } from '../terminal/time.ts';
import { formatCount, formatRows } from '../terminal/wording.ts';

export type DifferenceKind = 'missing' | 'extra' | 'marked' | 'doubled' | 'different' | 'dangling';

/** A business key: a text, or one for each column where it has several. */
export type Key = string | readonly string[];

/** One difference, for a person to look up; values are Postgres' text, null is null. */
export interface Example {
  kind: DifferenceKind;
  table: string;
  key: Key;
  column?: string;
  expected?: string | null;
  found?: string | null;
}

export interface TableReport {
  table: string;
  /** ISO 8601: what was committed in the source by then must be there; null where nothing is known of any plan. */
  asOf: string | null;
  /** Rows that the source asks for. */
  expected: number;
  /** How many of them the warehouse has, right or wrong: expected = found + late + waiting + quarantined + missing. */
  found: number;
  /** Rows that the warehouse need not have yet, and has not: written after the last plan, or on their way. */
  late: number;
  /** Rows that wait for a dimension row. */
  waiting: number;
  /** Rows that broke the contract. */
  quarantined: number;
  missing: number;
  /** Rows that are marked as deleted, and whose key the source does not have. */
  deleted: number;
  /** Rows whose key the source does not have, in a table that keeps such rows. */
  kept: number;
  /** Rows whose key the source does not have any more, since the last census. */
  undeleted: number;
  /** Rows whose key the source does not have, though no census has marked them. */
  extra: number;
  /** Rows that are marked as deleted although the source has them. */
  marked: number;
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
  /** Nothing is lost, different, doubled, dangling, wrongly marked, or uncompared. */
  ok: boolean;
  tables: TableReport[];
  /** Why rows that are late, or in quarantine, cannot be told from lost ones; absent where they can, or none is. */
  note?: string;
}

const maxExamples = 5;

export const makeTableReport = (table: string): TableReport => ({
  table,
  asOf: null,
  expected: 0,
  found: 0,
  late: 0,
  waiting: 0,
  quarantined: 0,
  missing: 0,
  deleted: 0,
  kept: 0,
  undeleted: 0,
  extra: 0,
  marked: 0,
  doubled: 0,
  different: 0,
  dangling: 0,
  examples: [],
});

export const isClean = (report: TableReport): boolean =>
  report.problem === undefined &&
  report.missing + report.extra + report.marked + report.doubled + report.different + report.dangling === 0;

/** The example is made only where there is room for it. */
export function addExample(
  report: TableReport,
  kind: DifferenceKind,
  make: () => Omit<Example, 'kind' | 'table'>,
) {
  if (report.examples.filter((example) => example.kind === kind).length >= maxExamples) return;
  report.examples.push({ kind, table: report.table, ...make() });
}

const known = ['late', 'waiting', 'quarantined', 'undeleted'] as const;
const faults = ['missing', 'extra', 'marked', 'doubled', 'different', 'dangling'] as const;
const countColumns = ['expected', 'found', 'deleted', ...known, ...faults] as const;

/** A table of counts, a line for each example, and what it means. */
export function printReport(report: VerifyReport, site: Pick<Site, 'selector'>, terminal: Terminal): void {
  const { tables } = report;
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
  for (const line of describeKnown(tables, site)) terminal.info(line);
  terminal.info(conclude(report, terminal));
}

/**
 * The report as --json gives it: a table's examples and problem only where it has any. It is complete where no row is late,
 * waits, is in quarantine or has still to be marked either.
 */
export function toJson({ ok, tables, note }: VerifyReport) {
  return {
    ok,
    complete: ok && isWhole(tables),
    ...(note !== undefined && { note }),
    tables: tables.map(({ examples, ...report }) => ({
      ...report,
      ...(examples.length > 0 && { examples }),
    })),
  };
}

/** @example 'fact_payment 7 is different: payment_amount is 12.01 in the warehouse, 12.00 in the source' */
export function formatExample({ kind, table, key, column, expected, found }: Example): string {
  const row = `${table} ${formatKey(key)}`;
  switch (kind) {
    case 'missing':
      if (expected === undefined) return `${row} is missing`;
      return found === undefined
        ? `${row} is missing: no version of ${column} ${expected}`
        : `${row} is missing: no version of ${column} ${expected}; the latest there is ${found}`;
    case 'extra':
      return `${row} is extra: the source does not have this key, and no census has marked the row as deleted`;
    case 'marked':
      return `${row} is marked as deleted, and the source has it`;
    case 'doubled':
      return `${row} is doubled${found === undefined ? '' : `: ${column} ${found}`}`;
    case 'different':
      return `${row} is different: ${column} is ${show(found)} in the warehouse, ${show(expected)} in the source`;
    case 'dangling':
      return `${row} dangles: its ${column} ${show(found)} is not in the dimension`;
  }
}

/** @example '7' or '(7, GB)' */
const formatKey = (key: Key): string =>
  typeof key === 'string' ? showPart(key) : `(${key.map(showPart).join(', ')})`;

/** A text that could be taken for something else is quoted. */
const showPart = (text: string): string =>
  text === '' || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}",()\\]/u.test(text) ? JSON.stringify(text) : text;

/** JSON tells '' from null, and lets no line break or control character through to the terminal. */
const show = (value: string | null | undefined): string => JSON.stringify(value ?? null);

/** What is known to be missing, each with the command that says more. */
function describeKnown(tables: readonly TableReport[], site: Pick<Site, 'selector'>): string[] {
  const [late, waiting, quarantined, undeleted] = known.map((kind) => sum(tables, kind));
  const deleted = sum(tables, 'deleted');
  const kept = sum(tables, 'kept');
  const lines: string[] = [];
  if (late) {
    lines.push(
      `${formatRows(late)} ${late === 1 ? 'is' : 'are'} late: written to the source after the last plan, or on the way.`,
    );
  }
  if (waiting) {
    const verb = waiting === 1 ? 'waits' : 'wait';
    lines.push(`${formatRows(waiting)} ${verb} for a dimension row: ${commandFor(site, 'waiting')}`);
  }
  if (quarantined) {
    const verb = quarantined === 1 ? 'is' : 'are';
    lines.push(`${formatRows(quarantined)} ${verb} in quarantine: ${commandFor(site, 'quarantine')}`);
  }
  if (undeleted) {
    const verb = undeleted === 1 ? 'was' : 'were';
    lines.push(
      `${formatRows(undeleted)} ${verb} deleted in the source after the last census; the next one marks ${undeleted === 1 ? 'it' : 'them'}.`,
    );
  }
  if (deleted) {
    lines.push(
      `${formatRows(deleted)} ${deleted === 1 ? 'is' : 'are'} marked as deleted in the source (_deleted_by).`,
    );
  }
  if (kept) {
    lines.push(
      `${formatRows(kept)} ${kept === 1 ? 'was' : 'were'} deleted in the source and ${kept === 1 ? 'is' : 'are'} kept, as the model says (deletes: keep).`,
    );
  }
  return lines;
}

function conclude({ ok, tables, note }: VerifyReport, terminal: Terminal): string {
  if (ok) return terminal.style('green', describeExact(tables));
  const parts = faults.flatMap((name) => {
    const count = sum(tables, name);
    return count === 0 ? [] : [`${formatCount(count)} ${name}`];
  });
  const skipped = tables.filter(({ problem }) => problem !== undefined).length;
  if (skipped > 0)
    parts.push(skipped === 1 ? '1 table not compared in full' : `${skipped} tables not compared in full`);
  return terminal.style(
    'red',
    `The warehouse is not an exact copy: ${parts.join(', ')}.${note === undefined ? '' : ` ${note}`}`,
  );
}

function describeExact(tables: readonly TableReport[]): string {
  const [found, late] = [sum(tables, 'found'), sum(tables, 'late')];
  const times = tables.flatMap(({ asOf }) => asOf ?? []).sort();
  const when = late > 0 && times[0] !== undefined ? ` as of ${formatTime(times[0])}` : '';
  const rows = isWhole(tables) ? 'every row' : 'every other row';
  return `The warehouse is exact${when}: it has ${rows} of ${tables.length === 1 ? '1 table' : `${tables.length} tables`} with its values (${formatRows(found)}), none doubled or dangling.`;
}

const isWhole = (tables: readonly TableReport[]): boolean => known.every((kind) => sum(tables, kind) === 0);

const sum = (tables: readonly TableReport[], name: (typeof countColumns)[number] | 'kept'): number =>
  tables.reduce((total, table) => total + table[name], 0);
