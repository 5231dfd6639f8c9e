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
  /** So many columns after those of the key tell its versions apart; 0 where there is one row a key. */
  versions: number;
  /** What they are made of, in the source. */
  versionFields: string;
}

/**
 * @param table its columns begin with those of the key, and of the version
 * @param orders of the columns of the key, see findKeyOrder
 */
export function makeComparedTable(table: WarehouseTable, orders: readonly KeyOrder[]): ComparedTable {
  const versions = versionColumns(table);
  const fields =
    table.kind === 'fact'
      ? table.columns.filter(({ name }) => versions.includes(name)).map(({ from }) => from.field)
      : [];
  return {
    columns: table.columns.map(({ name }) => name),
    orders,
    versions: versions.length,
    // Two columns may be made of one field: its date, and its time of day.
    versionFields: [...new Set(fields)].join(', '),
  };
}

/** The columns that tell rows of one key apart. */
export const versionColumns = (table: WarehouseTable): readonly string[] =>
  table.kind === 'fact' ? table.versions.filter((name) => !table.key.includes(name)) : [];

export interface ComparisonNotes {
  report: TableReport;
  /** Whether a row of the source is in quarantine. */
  isQuarantined: (key: Key, version: string) => boolean;
  /** Whether this part of the censuses that were applied has the key. */
  isInCensus: (key: Key, part: number) => Promise<boolean>;
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
  { report, isInCensus }: ComparisonNotes,
): Promise<SortedRow | undefined> {
  let previous: string | undefined;
  let row: SortedRow | undefined = first;
  for (; row !== undefined && isSameKey(row, first); row = await found.next()) {
    const { key, values, ownTruth, isPending } = row;
    if (isPending) continue;
    const version = versionOf(table, row);
    if (previous === version) countDoubled(table, row, report);
    if (ownTruth === undefined) {
      if (row.mark === 'marked') report.deleted += 1;
      else if (row.mark === 'kept') report.kept += 1;
      // A row that no census has seen yet was deleted after the last one, and so was one whose key that one has.
      else if (row.mark === 'unseen' || (await isSeenLater(row, isInCensus))) report.undeleted += 1;
      else {
        report.extra += 1;
        addExample(report, 'extra', () => ({ key: showKey(key), ...foundVersion(table, version) }));
      }
    } else if (values !== ownTruth) countDifferent(table, { ...row, values: ownTruth }, values, report);
    previous = version;
  }
  return row;
}

async function isSeenLater(
  { key, mark }: SortedRow,
  isInCensus: ComparisonNotes['isInCensus'],
): Promise<boolean> {
  const [, part] = /^seen (\d+)$/.exec(mark ?? '') ?? [];
  return part !== undefined && (await isInCensus(showKey(key), Number(part)));
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
  const seen: SeenRows = {
    latest: undefined,
    isThere: false,
    different: undefined,
    isMarked: false,
    isWaiting: false,
  };
  let row = first;
  for (; row !== undefined && isSameKey(row, expected); row = await found.next()) {
    const isEqual = row.values === expected.values;
    if (row.isPending) {
      seen.isWaiting ||= isEqual;
      continue;
    }
    // A table that is on its way as a whole may have a row twice until its keys are built.
    if (seen.latest !== undefined && !expected.isPending && isSameVersion(table, seen.latest, row))
      countDoubled(table, row, report);
    if (isEqual || isSameVersion(table, row, expected)) {
      seen.isThere = true;
      // Earlier versions of a key that came back keep their mark until the next census.
      if (row.mark === 'marked') seen.isMarked = true;
      if (!isEqual) seen.different = row;
    }
    seen.latest = row;
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
  /** Marked as deleted. */
  isMarked: boolean;
  /** It waits for a dimension row, as the source has it. */
  isWaiting: boolean;
}

/** A row that is not as expected counts as lost only where nothing else explains it. */
function countKey(
  table: ComparedTable,
  expected: SortedRow,
  { latest, isThere, different, isMarked, isWaiting }: SeenRows,
  { report, isQuarantined }: ComparisonNotes,
) {
  if (isThere && different === undefined && (!isMarked || !expected.isPending)) {
    report.found += 1;
    if (!isMarked) return;
    report.marked += 1;
    addExample(report, 'marked', () => ({ key: showKey(expected.key) }));
  } else if (expected.isPending) report.late += 1;
  else if (isWaiting) report.waiting += 1;
  else if (isQuarantined(showKey(expected.key), versionOf(table, expected))) report.quarantined += 1;
  else if (different === undefined) countMissing(table, expected, latest, report);
  else {
    report.found += 1;
    countDifferent(table, expected, different.values, report);
  }
}

function countMissing(
  table: ComparedTable,
  expected: SortedRow,
  other: SortedRow | undefined,
  report: TableReport,
) {
  report.missing += 1;
  addExample(report, 'missing', () => ({
    key: showKey(expected.key),
    ...(table.versions > 0 && { column: table.versionFields, expected: versionOf(table, expected) }),
    ...(other !== undefined && { found: versionOf(table, other) }),
  }));
}

function countDoubled(table: ComparedTable, row: SortedRow, report: TableReport) {
  report.doubled += 1;
  addExample(report, 'doubled', () => ({
    key: showKey(row.key),
    ...foundVersion(table, versionOf(table, row)),
  }));
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

const foundVersion = ({ versions, versionFields }: ComparedTable, version: string) =>
  versions === 0 ? {} : { column: versionFields, found: version };

/** Read from the row only where it is asked for: most keys have one row, with the values that are expected. */
function versionOf({ orders, versions }: ComparedTable, { values }: SortedRow): string {
  if (versions === 0) return '';
  const fields = parseRecordText(values, orders.length + versions).slice(orders.length);
  // An infinite timestamp has no time of day.
  return fields.filter((field) => field !== null).join(' ');
}

const isSameVersion = (table: ComparedTable, a: SortedRow, b: SortedRow): boolean =>
  table.versions === 0 || versionOf(table, a) === versionOf(table, b);

/** A null in a key is shown as `null`. */
export function showKey(key: readonly (string | null)[]): Key {
  const texts = key.map((part) => part ?? 'null');
  const [only = 'null', ...more] = texts;
  return more.length === 0 ? only : texts;
}
