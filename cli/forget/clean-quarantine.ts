import {
  formatObjectKey,
  formatQuarantineFolder,
  formatQuarantineKey,
  loadQuarantineSuffix,
  type ProcessedKey,
  parseKnownKey,
} from '../../shared/object-store/object-key.ts';
import { parseProcessedMetadata } from '../../shared/object-store/object-metadata.ts';
import type { ObjectStore, StoredObject } from '../../shared/object-store/object-store.ts';
import {
  formatQuarantinedRow,
  formatUnlistedRows,
  parseQuarantineFile,
  type QuarantineContent,
  type QuarantinedRow,
} from '../../shared/records/quarantine-file.ts';
import {
  type IsWanted,
  isUpTo,
  makeIsWanted,
  type RowsToForget,
  type TableToClean,
} from './forgotten-row.ts';
import { type CleanedZone, type CleaningContext, deleteOld } from './found-objects.ts';

/**
 * Takes the rows out of a table's quarantine files, and out of the numbers that its objects say of them. A file without any
 * other row is deleted, with the records of what was dropped of it.
 *
 * @returns how many rows were taken out
 */
export async function cleanQuarantine(
  { store: processed, oldVersions }: CleanedZone,
  { fields }: RowsToForget,
  { table }: TableToClean,
  context: CleaningContext,
): Promise<{ rows: number; oldVersions: number }> {
  const { id, version, searched } = context;
  const isWanted = makeIsWanted(fields);
  const names = fields.map(({ field }) => field);
  // The files name a row by the source's key, and have its text as well, if there was room for it.
  const keyNames = table.key.map(
    (column) => table.columns.find(({ name }) => name === column)?.from.field ?? column,
  );
  const isOwn = (row: QuarantinedRow) => isOfRow(row, { names, keyNames }, isWanted);
  let removed = 0;
  for (const file of await listFiles(processed, table.name)) {
    const name = `${id} ${file}`;
    if (searched.has(name)) continue;
    for (;;) {
      const stored = await processed.get(file);
      if (stored === undefined) break;
      const content = parseQuarantineFile(file, stored.body);
      const rows = content.rows.filter((row) => !isOwn(row));
      const taken = content.rows.length - rows.length;
      if (taken === 0 || !(await isOld(processed, file, version))) {
        searched.add(name);
        break;
      }
      const left = { ...content, rows };
      if (!file.endsWith(loadQuarantineSuffix)) await noteQuarantined(processed, file, left);
      if (!(await replaceFile(processed, file, stored, left))) continue;
      removed += taken;
      break;
    }
  }
  const old = await deleteOld(
    oldVersions,
    formatQuarantineFolder(table.name),
    context,
    async (key, { body }) => key.endsWith('.ndjson') && parseQuarantineFile(key, body).rows.some(isOwn),
  );
  return { rows: removed, oldVersions: old };
}

async function listFiles(processed: ObjectStore, table: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { key } of processed.list(formatQuarantineFolder(table)))
    if (key.endsWith('.ndjson')) files.push(key);
  return files;
}

function isOfRow(
  { key, row }: QuarantinedRow,
  { names, keyNames }: { names: readonly string[]; keyNames: readonly string[] },
  isWanted: IsWanted,
): boolean {
  const values = parseRow(row);
  if (values !== undefined && names.every((name) => values.has(name)))
    return isWanted(names.map((name) => values.get(name)));
  const own = (Array.isArray(key) ? key : [key]).map((value) => (value === null ? undefined : String(value)));
  return isWanted(names.map((name) => own[keyNames.indexOf(name)]));
}

/** The row's values by their names, as they are written: a number may have more digits than JavaScript's. */
function parseRow(row: string | null): Map<string, string> | undefined {
  if (row === null) return undefined;
  const values = new Map<string, string>();
  try {
    JSON.parse(row, (name, value: unknown, context?: { source?: string }) => {
      if (typeof value === 'string') values.set(name, value);
      else if (typeof value === 'number') values.set(name, context?.source ?? String(value));
      return value;
    });
    return values;
  } catch {
    // It may be in quarantine because it is not JSON.
    return undefined;
  }
}

/** The key of the processed object that a file is of. */
function processedKeyOf(file: string): ProcessedKey | undefined {
  const name = file.replace(/^quarantine\//, '').replace(/(\.load)?\.ndjson$/, '.parquet');
  const key = parseKnownKey(name);
  return key?.zone === 'processed' ? key : undefined;
}

/** An object that is gone was read long ago. */
async function isOld(
  processed: ObjectStore,
  file: string,
  version: CleaningContext['version'],
): Promise<boolean> {
  const key = processedKeyOf(file);
  if (key === undefined) return true;
  const name = formatObjectKey(key);
  const head = await processed.head(name);
  return head === undefined || isUpTo(parseProcessedMetadata(name, head.metadata).version, version);
}

/** First: an attempt that ends in between finds the row in the file once more, and notes the same. */
async function noteQuarantined(
  processed: ObjectStore,
  file: string,
  { rows, unlistedRows }: QuarantineContent,
): Promise<void> {
  const key = processedKeyOf(file);
  if (key === undefined || formatQuarantineKey(key) !== file) return;
  const name = formatObjectKey(key);
  for (;;) {
    const object = await processed.get(name);
    if (object === undefined) return;
    const metadata = { ...object.metadata, quarantined: String(rows.length + unlistedRows) };
    if (await processed.replace(name, object.body, object.etag, metadata)) return;
  }
}

/** @returns false where another writer was faster */
async function replaceFile(
  processed: ObjectStore,
  file: string,
  { etag, metadata }: StoredObject,
  { rows, unlistedRows }: QuarantineContent,
): Promise<boolean> {
  const text = rows.map(formatQuarantinedRow).join('');
  const rest = unlistedRows === 0 ? '' : formatUnlistedRows(unlistedRows);
  if (!(await processed.replace(file, Buffer.from(text + rest), etag, metadata))) return false;
  if (rows.length > 0 || unlistedRows > 0) return true;
  const prefix = file.replace(/\.ndjson$/, '.');
  const records: string[] = [];
  for await (const { key } of processed.list(`${prefix}dropped-`)) records.push(key);
  for (const key of [...records, file]) await processed.delete(key);
  return true;
}
