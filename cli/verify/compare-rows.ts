import { parseRecordText } from './record-text.ts';
import { addExample, type TableReport } from './report.ts';
import type { SortedRow, SortedRows } from './sorted-rows.ts';
import type { TableCheck } from './tables/table-check.ts';

export interface ComparedRows {
  expected: Pick<SortedRows, 'next'>;
  found: Pick<SortedRows, 'next'>;
}

export interface ComparisonNotes {
  report: TableReport;
  /** Whether a row of the source is in quarantine. */
  isQuarantined: (key: string, version: string) => boolean;
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
      found = await compareKey(check, expected, found, rows, notes);
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
    const { values, version, ownTruth, isPending } = row;
    if (isPending) {
      row = await found.next();
      continue;
    }
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
  notes: ComparisonNotes,
): Promise<SortedRow | undefined> {
  const { report } = notes;
  const seen: SeenRows = { latest: undefined, isThere: false, different: undefined, isWaiting: false };
  let row = first;
  while (row !== undefined && row.sortKey === expected.sortKey) {
    if (row.isPending) {
      seen.isWaiting ||= row.version === expected.version && row.values === expected.values;
    } else {
      // A table that is on its way as a whole may have a row twice until its keys are built.
      if (seen.latest?.version === row.version && !expected.isPending) countDoubled(check, row, report);
      if (row.version === expected.version) {
        seen.isThere = true;
        if (row.values !== expected.values) seen.different = row;
      }
      seen.latest = row;
    }
    row = await found.next();
  }
  countKey(check, expected, seen, notes);
  return row;
}

/** What the warehouse has of one key. */
interface SeenRows {
  latest: SortedRow | undefined;
  /** In the version that is expected. */
  isThere: boolean;
  /** In that version with other values. */
  different: SortedRow | undefined;
  /** It waits for a dimension row, as the source has it. */
  isWaiting: boolean;
}

/** A row that is not as expected counts as lost only where nothing else explains it. */
function countKey(
  check: TableCheck,
  expected: SortedRow,
  { latest, isThere, different, isWaiting }: SeenRows,
  { report, isQuarantined }: ComparisonNotes,
) {
  if (isThere && different === undefined) report.found += 1;
  else if (expected.isPending) report.late += 1;
  else if (isWaiting) report.waiting += 1;
  else if (isQuarantined(keyOf(expected.values), expected.version)) report.quarantined += 1;
  else if (different === undefined) countMissing(check, expected, latest, report);
  else {
    report.found += 1;
    countDifferent(check, expected.values, different.values, report);
  }
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
