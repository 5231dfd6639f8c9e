import { addExample, type TableReport } from './report.ts';
import type { SortedRow, SortedRows } from './sorted-rows.ts';
import type { TableCheck } from './tables/table-check.ts';

export interface ComparedRows {
  expected: Pick<SortedRows, 'next'>;
  found: Pick<SortedRows, 'next'>;
}

export interface ComparisonNotes {
  report: TableReport;
  /** Called for every row whose key the source does not have. */
  onExtra: (key: string, version: string) => void;
}

/**
 * Walks both sides once, in the order of their keys, and counts what differs into the report.
 *
 * The expected side has one row a key; the found side may have several: a fact's versions, or doubles.
 */
export async function compareRows(
  check: TableCheck,
  rows: ComparedRows,
  notes: ComparisonNotes,
): Promise<void> {
  let expected = await rows.expected.next();
  let found = await rows.found.next();
  while (expected !== undefined || found !== undefined) {
    if (found !== undefined && (expected === undefined || isBefore(found, expected))) {
      found = await passExtraRows(check, found, rows, notes);
    } else if (expected !== undefined) {
      notes.report.expected += 1;
      found = await compareKey(check, expected, found, rows, notes.report);
      expected = await rows.expected.next();
    }
  }
}

/** @returns the first found row of another key */
async function passExtraRows(
  check: TableCheck,
  first: SortedRow,
  { found }: ComparedRows,
  { report, onExtra }: ComparisonNotes,
): Promise<SortedRow | undefined> {
  let previous: SortedRow | undefined;
  let row: SortedRow | undefined = first;
  while (row !== undefined && row.sortKey === first.sortKey) {
    const { values, version, ownTruth } = row;
    if (previous?.version === version) countDoubled(check, row, report);
    if (ownTruth === undefined) {
      report.extra += 1;
      addExample(report, 'extra', () => ({ key: keyOf(values), ...foundVersion(check, version) }));
      onExtra(keyOf(values), version);
    } else if (values !== ownTruth) countDifferent(check, ownTruth, values, report);
    previous = row;
    row = await found.next();
  }
  return row;
}

/** @returns the first found row of another key */
async function compareKey(
  check: TableCheck,
  expected: SortedRow,
  first: SortedRow | undefined,
  { found }: ComparedRows,
  report: TableReport,
): Promise<SortedRow | undefined> {
  let previous: SortedRow | undefined;
  let isThere = false;
  let different: SortedRow | undefined;
  let row = first;
  while (row !== undefined && row.sortKey === expected.sortKey) {
    if (previous?.version === row.version) countDoubled(check, row, report);
    if (row.version === expected.version) {
      isThere = true;
      if (row.values !== expected.values) different = row;
    }
    previous = row;
    row = await found.next();
  }
  if (isThere) report.found += 1;
  else countMissing(check, expected, previous, report);
  if (different !== undefined) countDifferent(check, expected.values, different.values, report);
  return row;
}

function countMissing(
  check: TableCheck,
  { values, version }: SortedRow,
  other: SortedRow | undefined,
  report: TableReport,
) {
  report.missing += 1;
  addExample(report, 'missing', () => ({
    key: keyOf(values),
    ...(check.isVersioned && { column: 'last_updated', expected: version }),
    ...(other !== undefined && { found: other.version }),
  }));
}

function countDoubled(check: TableCheck, { values, version }: SortedRow, report: TableReport) {
  report.doubled += 1;
  addExample(report, 'doubled', () => ({ key: keyOf(values), ...foundVersion(check, version) }));
}

/** One row that differs counts once, and gives an example for each of its columns that does. */
function countDifferent(check: TableCheck, expectedValues: string, foundValues: string, report: TableReport) {
  report.different += 1;
  const expected = parseRecordText(expectedValues);
  const found = parseRecordText(foundValues);
  for (const [index, column] of check.columns.entries()) {
    if (expected[index] === found[index]) continue;
    addExample(report, 'different', () => ({
      key: keyOf(expectedValues),
      column,
      expected: expected[index] ?? null,
      found: found[index] ?? null,
    }));
  }
}

const foundVersion = (check: TableCheck, version: string) =>
  check.isVersioned === true ? { column: 'last_updated', found: version } : {};

/** The business key stands first in every check. */
const keyOf = (values: string): string => parseRecordText(values)[0] ?? 'null';

/** Equal texts are the usual case; keys beyond 2^53 are compared exactly. */
function isBefore(a: SortedRow, b: SortedRow): boolean {
  if (a.sortKey === b.sortKey || a.sortKey === null) return false;
  return b.sortKey === null || BigInt(a.sortKey) < BigInt(b.sortKey);
}

/**
 * The fields of a row as Postgres writes it: `(7,"two words",,"")`. Nothing between commas is null, `""` is the
 * empty text; inside quotes a quote and a backslash are doubled.
 *
 * @see https://www.postgresql.org/docs/current/rowtypes.html#ROWTYPES-IO-SYNTAX
 */
export function parseRecordText(record: string): (string | null)[] {
  const fields: (string | null)[] = [];
  let at = 1;
  while (at < record.length) {
    const isQuoted = record[at] === '"';
    const end = isQuoted ? endOfQuoted(record, at) : endOfBare(record, at);
    const text = record.slice(at, end);
    if (isQuoted) fields.push(text.slice(1, -1).replace(/(["\\])\1/g, '$1'));
    else fields.push(text === '' ? null : text);
    at = end + 1;
  }
  return fields;
}

function endOfQuoted(record: string, start: number): number {
  let at = start + 1;
  while (record[at] !== '"' || record[at + 1] === '"') at += record[at] === '"' ? 2 : 1;
  return at + 1;
}

/** The comma after it, or the parenthesis that closes the row. */
function endOfBare(record: string, start: number): number {
  const comma = record.indexOf(',', start);
  return comma === -1 ? record.length - 1 : comma;
}
