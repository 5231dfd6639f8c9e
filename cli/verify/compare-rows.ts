import type { WarehouseTable } from '../../shared/model/model.ts';
import { parseRecordText } from './record-text.ts';
import { addExample, type Key, type TableReport } from './report.ts';
import { isBefore, isSameKey, type KeyOrder, type SortedRow, type SortedRows } from './sorted-rows.ts';

export interface ComparedRows {
  expected: Pick<SortedRows, 'next'>;
  found: Pick<SortedRows, 'next'>;
}

/** The table whose rows are compared. */
export interface ComparedTable {
  columns: readonly string[];
  orders: readonly KeyOrder[];
  /** What the versions of a key are told by, in the source; undefined where there is one row a key. */
  version: string | undefined;
}

/** @param orders of the columns of the key, see findKeyOrder */
export const makeComparedTable = (table: WarehouseTable, orders: readonly KeyOrder[]): ComparedTable => ({
  columns: table.columns.map(({ name }) => name),
  orders,
  version: versionOf(table),
});

/** A fact's version may have several columns, which are made of one of the source. */
function versionOf(table: WarehouseTable): string | undefined {
  if (table.kind !== 'fact' || table.versions.length === 0) return undefined;
  const fields = table.columns
    .filter(({ name }) => table.versions.includes(name))
    .map(({ from }) => from.field);
  return [...new Set(fields)].join(', ');
}

export interface ComparisonNotes {
  report: TableReport;
  /** Whether a row of the source is in quarantine. */
  isQuarantined: (key: Key, version: string) => boolean;
  /** Called for every row whose key the source does not have. */
  onExtra: (key: Key, version: string) => void;
}

/**
 * Walks both sides once, in the order of their keys, and counts what differs into the report.
 *
 * The expected side has one row a key; the found side may have several: a fact's versions, or doubles.
 */
export async function compareRows(
  table: ComparedTable,
  rows: ComparedRows,
  notes: ComparisonNotes,
): Promise<void> {
  let expected = await rows.expected.next();
  let found = await rows.found.next();
  while (expected !== undefined || found !== undefined) {
    if (found !== undefined && (expected === undefined || isBefore(found, expected, table.orders))) {
      found = await passExtraRows(table, found, rows, notes);
    } else if (expected !== undefined) {
      notes.report.expected += 1;
      found = await compareKey(table, expected, found, rows, notes);
      expected = await rows.expected.next();
    }
  }
}

/** @returns the first found row of another key */
async function passExtraRows(
  table: ComparedTable,
  first: SortedRow,
  { found }: ComparedRows,
  { report, onExtra }: ComparisonNotes,
): Promise<SortedRow | undefined> {
  let previous: SortedRow | undefined;
  let row: SortedRow | undefined = first;
  while (row !== undefined && isSameKey(row, first)) {
    const { key, values, version, ownTruth, isPending } = row;
    if (isPending) {
      row = await found.next();
      continue;
    }
    if (previous?.version === version) countDoubled(table, row, report);
    if (ownTruth === undefined) {
      report.extra += 1;
      addExample(report, 'extra', () => ({ key: showKey(key), ...foundVersion(table, version) }));
      onExtra(showKey(key), version);
    } else if (values !== ownTruth) countDifferent(table, { ...row, values: ownTruth }, values, report);
    previous = row;
    row = await found.next();
  }
  return row;
}

/** @returns the first found row of another key */
async function compareKey(
  table: ComparedTable,
  expected: SortedRow,
  first: SortedRow | undefined,
  { found }: ComparedRows,
  notes: ComparisonNotes,
): Promise<SortedRow | undefined> {
  const { report } = notes;
  const seen: SeenRows = { latest: undefined, isThere: false, different: undefined, isWaiting: false };
  let row = first;
  while (row !== undefined && isSameKey(row, expected)) {
    if (row.isPending) {
      seen.isWaiting ||= row.version === expected.version && row.values === expected.values;
    } else {
      // A table that is on its way as a whole may have a row twice until its keys are built.
      if (seen.latest?.version === row.version && !expected.isPending) countDoubled(table, row, report);
      if (row.version === expected.version) {
        seen.isThere = true;
        if (row.values !== expected.values) seen.different = row;
      }
      seen.latest = row;
    }
    row = await found.next();
  }
  countKey(table, expected, seen, notes);
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
  table: ComparedTable,
  expected: SortedRow,
  { latest, isThere, different, isWaiting }: SeenRows,
  { report, isQuarantined }: ComparisonNotes,
) {
  if (isThere && different === undefined) report.found += 1;
  else if (expected.isPending) report.late += 1;
  else if (isWaiting) report.waiting += 1;
  else if (isQuarantined(showKey(expected.key), expected.version)) report.quarantined += 1;
  else if (different === undefined) countMissing(table, expected, latest, report);
  else {
    report.found += 1;
    countDifferent(table, expected, different.values, report);
  }
}

function countMissing(
  table: ComparedTable,
  { key, version }: SortedRow,
  other: SortedRow | undefined,
  report: TableReport,
) {
  report.missing += 1;
  addExample(report, 'missing', () => ({
    key: showKey(key),
    ...(table.version !== undefined && { column: table.version, expected: version }),
    ...(other !== undefined && { found: other.version }),
  }));
}

function countDoubled(table: ComparedTable, { key, version }: SortedRow, report: TableReport) {
  report.doubled += 1;
  addExample(report, 'doubled', () => ({ key: showKey(key), ...foundVersion(table, version) }));
}

/** One row that differs counts once, and gives an example for each of its columns that does. */
function countDifferent(
  table: ComparedTable,
  { key, values }: SortedRow,
  foundValues: string,
  report: TableReport,
) {
  report.different += 1;
  const expected = parseRecordText(values);
  const found = parseRecordText(foundValues);
  for (const [index, column] of table.columns.entries()) {
    if (expected[index] === found[index]) continue;
    addExample(report, 'different', () => ({
      key: showKey(key),
      column,
      expected: expected[index] ?? null,
      found: found[index] ?? null,
    }));
  }
}

const foundVersion = (table: ComparedTable, version: string) =>
  table.version === undefined ? {} : { column: table.version, found: version };

/** A null in a key is no value of any column. */
export function showKey(key: readonly (string | null)[]): Key {
  const texts = key.map((part) => part ?? 'null');
  const [only = 'null', ...more] = texts;
  return more.length === 0 ? only : texts;
}
