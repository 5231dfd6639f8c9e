import {
  formatObjectKey,
  formatQuarantineKey,
  type ProcessedKey,
} from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import type { StarSchema } from '../../shared/star-schema/assemble.ts';
import { listCurrent } from './current-quarantine.ts';
import { withoutDropped } from './dropped-rows.ts';
import { findMended } from './mended-rows.ts';
import { withoutReadAgain } from './read-again.ts';
import type { OperatorTarget } from './target.ts';

/** A line of a quarantine file: where the row stands in its ingested object, and what is wrong with it. */
export interface QuarantinedRow {
  /** From 1; null in a last line that only counts the rows for which there was no room. */
  line: number | null;
  /** The source's business key; null where the line shows none. */
  key: number | string | null;
  column: string | null;
  reason: string;
  /** The row as it was extracted; null where there was no room for it. */
  row: string | null;
}

/** The rows of one slice that broke the contract when it was transformed last. */
export interface QuarantineFile {
  /** The warehouse table that they were meant for. */
  table: string;
  /** The file's key in the processed bucket. */
  file: string;
  /** The key of the object that they are in. */
  ingested: string;
  /** Without the rows that have been mended, given up, or quarantined again by a later run. */
  rows: QuarantinedRow[];
  /** Rows still in quarantine: more than `rows` where the file had no room for all. */
  quarantined: number;
  /** Rows of which a newer version has been loaded since. */
  mended: number;
  /** Rows that a later run's file has as well: they count there. */
  readAgain: number;
  /** Rows that an operator has given up. */
  dropped: QuarantinedRow[];
}

type QuarantineTarget = Pick<OperatorTarget, 'processed' | 'warehouse' | 'warehouseSchema'>;

const concurrentReads = 8;

/**
 * What is still in quarantine. A file counts until its slice is transformed again: the new revision carries what is
 * good now, with a file of its own for what is not. A row counts until a newer version of it has been loaded: an
 * object is immutable, so a row that was mended in the source comes in another one. Nor does one that was given up,
 * or that a later run has brought again as bad as it was.
 *
 * @param tables warehouse tables
 */
export async function listQuarantine(
  target: QuarantineTarget,
  model: StarSchema,
  tables: readonly string[],
): Promise<QuarantineFile[]> {
  const current = await listCurrent(target.processed, tables);
  const files: QuarantineFile[] = [];
  for (let start = 0; start < current.length; start += concurrentReads) {
    const group = current.slice(start, start + concurrentReads);
    files.push(...(await Promise.all(group.map(({ key }) => readFile(target.processed, key, model)))));
  }
  if (files.length === 0) return files;
  const records = new Map(current.map(({ key, records }) => [formatQuarantineKey(key), records]));
  const bad = await findMended(target, model, withoutReadAgain(files, model));
  return Promise.all(bad.map((file) => withoutDropped(target.processed, file, records.get(file.file) ?? [])));
}

/** How many rows of each warehouse table are still in quarantine; a table without any is left out. */
export async function countQuarantined(
  target: QuarantineTarget,
  model: StarSchema,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const names = model.tables.map(({ name }) => name);
  for (const { table, quarantined } of await listQuarantine(target, model, names)) {
    if (quarantined > 0) counts.set(table, (counts.get(table) ?? 0) + quarantined);
  }
  return counts;
}

async function readFile(
  processed: Pick<ObjectStore, 'get'>,
  key: ProcessedKey,
  model: StarSchema,
): Promise<QuarantineFile> {
  const file = formatQuarantineKey(key);
  const object = await processed.get(file);
  const lines = Buffer.from(object?.body ?? [])
    .toString()
    .split('\n')
    .filter((line) => line !== '');
  const rows = lines.map((line) => JSON.parse(line) as QuarantinedRow);
  const table = model.table(key.table);
  const source = table.kind === 'calendar' ? table.name : table.source.name;
  const { run, slice } = key;
  return {
    table: key.table,
    file,
    ingested: formatObjectKey({ zone: 'ingested', table: source, run, slice }),
    rows: rows.filter(({ line }) => line !== null),
    quarantined: rows.reduce(
      (sum, { line, reason }) => sum + (line === null ? Number.parseInt(reason, 10) : 1),
      0,
    ),
    mended: 0,
    readAgain: 0,
    dropped: [],
  };
}
