import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import type pg from 'pg';
import { mapInGroups } from '../in-groups.ts';
import { canReadAll } from '../ledger/can-read-all.ts';
import { ledgerTable } from '../ledger/schema/ledger-schema.ts';
import type { Fact, Model, WarehouseTable } from '../model/model.ts';
import { parseObjectKey } from '../object-store/object-key.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { quoteIdentifier, quoteQualified } from '../postgres/identifier.ts';
import type { QuarantinedRow } from '../records/quarantine-file.ts';
import { objectIdColumn } from '../warehouse/warehouse-schema.ts';
import { listCurrent, type QuarantineFile, readDropRecord, readQuarantineFile } from './quarantine-file.ts';

export interface QuarantineDeps {
  ingested: Pick<ObjectStore, 'get'>;
  processed: Pick<ObjectStore, 'get' | 'list'>;
  /** Called only if there is a file. */
  withWarehouse<T>(work: (warehouse: pg.ClientBase) => Promise<T>): Promise<T>;
  warehouseSchema: string;
}

const concurrentReads = 8;

/**
 * Lists what is still in quarantine. A file counts until its slice is transformed again: the new revision has the rows
 * that are good now, and its own file for the others. A row counts until a newer version of it is loaded: an object is
 * immutable, so a row that was fixed in the source arrives in another object. A row that was dropped, or that a later
 * run has quarantined again, does not count.
 *
 * @param tables warehouse tables
 */
export async function collectQuarantine(
  deps: QuarantineDeps,
  model: Model,
  tables: readonly string[],
): Promise<QuarantineFile[]> {
  const current = await listCurrent(deps.processed, tables);
  const records = new Map<string, readonly string[]>();
  const files = await mapInGroups(current, concurrentReads, async (named) => {
    const file = await readQuarantineFile(deps.processed, named, model);
    records.set(file.file, named.records);
    return file;
  });
  if (files.length === 0) return files;
  const bad = await excludeMendedRows(deps, model, dropRereadRows(files, model));
  return Promise.all(
    bad.map((file) => excludeDroppedRows(deps.processed, file, records.get(file.file) ?? [])),
  );
}

/**
 * Takes out of the files the rows that a later run has quarantined as well: a table that is read in full again brings
 * its bad rows again, and each is one bad row.
 *
 * A dimension has the latest state alone, so a row is identified by its key. A fact keeps every version, so a row is
 * identified by its version too; a row whose text the file had no room for is never taken out.
 */
function dropRereadRows(files: readonly QuarantineFile[], model: Model): QuarantineFile[] {
  const seen = new Set<string>();
  const left = new Map<QuarantineFile, QuarantineFile>();
  for (const file of files.toSorted((a, b) => runOf(b).localeCompare(runOf(a)))) {
    const table = model.table(file.table);
    const ids = file.rows.map((row) => identityOf(row, table));
    const isAgain = ids.map((id) => id !== undefined && seen.has(id));
    for (const id of ids) if (id !== undefined) seen.add(id);
    const rows = file.rows.filter((_, index) => !isAgain[index]);
    const readAgain = file.rows.length - rows.length;
    left.set(file, { ...file, rows, readAgain, quarantined: file.quarantined - readAgain });
  }
  return files.flatMap((file) => left.get(file) ?? []);
}

const runOf = ({ ingested }: QuarantineFile): string => parseObjectKey(ingested).run;

function identityOf({ key, row }: QuarantinedRow, table: WarehouseTable): string | undefined {
  if (key === null) return undefined;
  if (table.kind !== 'fact' || table.versions.length === 0) return JSON.stringify([table.name, key]);
  const version = versionOf(row, table);
  return version === undefined ? undefined : JSON.stringify([table.name, key, version]);
}

/** The values that the fact's version is made of; undefined if the row does not show them all. */
function versionOf(row: string | null, { versions, columns }: Fact): unknown[] | undefined {
  const fields = columns.filter(({ name }) => versions.includes(name)).map(({ from }) => from.field);
  try {
    const values = JSON.parse(row ?? '{}') as Record<string, unknown>;
    const version = fields.map((field) => values[field]);
    return version.includes(undefined) ? undefined : version;
  } catch {
    // The row may be in quarantine because it is not JSON.
    return undefined;
  }
}

/** Takes out of the files the rows that the warehouse has in a newer version. */
async function excludeMendedRows(
  deps: QuarantineDeps,
  model: Model,
  files: readonly QuarantineFile[],
): Promise<QuarantineFile[]> {
  return deps.withWarehouse(async (warehouse) => {
    if (!(await canReadAll(warehouse, model, deps.warehouseSchema))) return [...files];
    const left: QuarantineFile[] = [];
    for (const file of files) {
      const mended = await selectNewer(warehouse, deps.warehouseSchema, model.table(file.table), file);
      const stillBad = file.rows.filter(({ key }) => key === null || !mended.has(formatKey(listOf(key))));
      const count = file.rows.length - stillBad.length;
      const unlisted = await countUnlisted(deps, warehouse, model.table(file.table), file);
      const mendedRows = count + file.unlisted.rows - unlisted;
      left.push({
        ...file,
        rows: stillBad,
        mended: mendedRows,
        quarantined: file.quarantined - mendedRows,
        unlisted: { ...file.unlisted, rows: unlisted },
      });
    }
    return left;
  });
}

/**
 * The slice's own version is in the ledger once any revision of it is loaded; before, nothing counts as newer. A row that the
 * load has left out, and the warehouse has in that very version, came with a later attempt.
 */
async function selectNewer(
  warehouse: pg.ClientBase,
  schema: string,
  table: WarehouseTable,
  file: QuarantineFile,
): Promise<ReadonlySet<string>> {
  const keys = file.rows.flatMap(({ key }) => (key === null ? [] : [listOf(key)]));
  const { run, slice } = parseObjectKey(file.ingested);
  const wanted = wantedKeys(table, keys, 3);
  const { rows } = await warehouse.query<{ key: string[] }>(
    `select distinct array[${wanted.names.map((name) => `wanted.${name}`).join(', ')}] as key
     from ${wanted.from}
     join ${quoteQualified(schema, table.name)} t on ${wanted.matches}
     join ${ledgerTable} new on new.object_id = t.${quoteIdentifier(objectIdColumn)}
     where (new.generation, new.snapshot_xmax, new.snapshot_xmin, new.tie) ${file.isOfLoad ? '>=' : '>'} (
         select old.generation, old.snapshot_xmax, old.snapshot_xmin, old.tie from ${ledgerTable} old
         where old.warehouse_table = $1 and old.run = $2 and old.slice = $3
         limit 1
       )`,
    [file.table, run, slice, ...wanted.values],
  );
  return new Set(rows.map(({ key }) => formatKey(key)));
}

const listOf = (key: NonNullable<QuarantinedRow['key']>): string[] =>
  (Array.isArray(key) ? key : [key]).map(String);

const formatKey = (key: readonly string[]): string => JSON.stringify(key);

/** Keys as a relation `wanted`, and how a row of the warehouse, `t`, matches one of them. */
interface WantedKeys {
  names: string[];
  from: string;
  matches: string;
  values: string[][];
}

/**
 * Texts that are not of a column's type are left out: a row whose key is none is in quarantine for that, and no row of the
 * warehouse has such a key.
 *
 * @param taken parameters of the statement before these
 */
function wantedKeys(table: WarehouseTable, keys: readonly string[][], taken: number): WantedKeys {
  const columns = table.key.map((name, index) => ({
    name: `k${index}`,
    column: quoteIdentifier(name),
    type: table.columns.find((column) => column.name === name)?.type.name ?? 'varchar',
  }));
  const readable = keys.filter((key) => columns.every(({ type }, index) => isReadable(key[index], type)));
  const parameters = columns.map((_, index) => `$${taken + 1 + index}::text[]`);
  return {
    names: columns.map(({ name }) => name),
    from: `unnest(${parameters.join(', ')}) as wanted (${columns.map(({ name }) => name).join(', ')})`,
    matches: columns
      .map(({ name, column, type }) => matchesKey(`t.${column}`, `wanted.${name}`, type))
      .join(' and '),
    values: columns.map((_, index) => readable.map((key) => key[index] ?? '')),
  };
}

/** @param wanted a text as the ingested zone has it: a timestamp with a T, and in UTC where it has a zone */
export function matchesKey(column: string, wanted: string, type: string): string {
  if (type in readablePatterns) return `${column} = ${wanted}::${type}`;
  if (type === 'timestamp') return `${column}::text = replace(${wanted}, 'T', ' ')`;
  if (type !== 'timestamptz') return `${column}::text = ${wanted}`;
  return `(${column} at time zone 'UTC')::text = replace(replace(${wanted}, 'T', ' '), '+00:00', '')`;
}

/** Of the types whose text is cast, so that the key's index can be used. The others are compared as text. */
const readablePatterns: Record<string, RegExp> = {
  smallint: /^-?\d{1,5}$/,
  int: /^-?\d{1,10}$/,
  bigint: /^-?\d{1,19}$/,
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  varchar: /^/,
  text: /^/,
};

const bitsOf: Record<string, number> = { smallint: 16, int: 32, bigint: 64 };

function isReadable(text: string | undefined, type: string): boolean {
  if (text === undefined || readablePatterns[type]?.test(text) === false) return false;
  const bits = bitsOf[type];
  return bits === undefined || BigInt.asIntN(bits, BigInt(text)) === BigInt(text);
}

/**
 * Counts the rows that are bad still and for which the file had no room. Their keys are in the ingested object, among those
 * of good rows; a good row is in the warehouse in the slice's own version or a newer one, and so is a mended one.
 */
async function countUnlisted(
  { ingested, warehouseSchema: schema }: Pick<QuarantineDeps, 'ingested' | 'warehouseSchema'>,
  warehouse: pg.ClientBase,
  table: WarehouseTable,
  { ingested: name, unlisted }: QuarantineFile,
): Promise<number> {
  if (unlisted.rows === 0 || table.kind === 'calendar') return unlisted.rows;
  const object = await ingested.get(name);
  if (object === undefined) return unlisted.rows;
  const keys = await readKeys(object.body, table.source.key, unlisted.afterLine);
  const wanted = wantedKeys(
    table,
    keys.filter((key) => key !== undefined),
    3,
  );
  const readable = wanted.values[0]?.length ?? 0;
  const { run, slice } = parseObjectKey(name);
  const { rows } = await warehouse.query<{ absent: number }>(
    `select count(*)::float8 as absent
     from ${wanted.from}
     where not exists (
       select from ${quoteQualified(schema, table.name)} t
       join ${ledgerTable} new on new.object_id = t.${quoteIdentifier(objectIdColumn)}
       where ${wanted.matches}
         and (new.generation, new.snapshot_xmax, new.snapshot_xmin, new.tie) >= (
           select old.generation, old.snapshot_xmax, old.snapshot_xmin, old.tie from ${ledgerTable} old
           where old.warehouse_table = $1 and old.run = $2 and old.slice = $3
           limit 1
         )
     )`,
    [table.name, run, slice, ...wanted.values],
  );
  return Math.min(unlisted.rows, keys.length - readable + (rows[0]?.absent ?? 0));
}

/** The keys of an ingested object's rows behind a line, as text; undefined for a line that shows none. */
async function readKeys(
  body: Uint8Array,
  fields: readonly string[],
  afterLine: number,
): Promise<(string[] | undefined)[]> {
  const text = await promisify(zstdDecompress)(body);
  const keys: (string[] | undefined)[] = [];
  let line = 0;
  for (let start = 0, end = text.indexOf('\n'); end >= 0; start = end + 1, end = text.indexOf('\n', start)) {
    line++;
    if (line > afterLine) keys.push(keyOf(text.toString('utf8', start, end), fields));
  }
  return keys;
}

function keyOf(row: string, fields: readonly string[]): string[] | undefined {
  try {
    const values = JSON.parse(row) as Record<string, unknown>;
    const key = fields.flatMap((field) => values[field] ?? []).map(String);
    return key.length === fields.length ? key : undefined;
  } catch {
    // The row may be in quarantine because it is not JSON.
    return undefined;
  }
}

/** Takes out of a file the rows that its drop records name. */
async function excludeDroppedRows(
  processed: Pick<ObjectStore, 'get'>,
  file: QuarantineFile,
  recordKeys: readonly string[],
): Promise<QuarantineFile> {
  if (recordKeys.length === 0) return file;
  const records = await Promise.all(recordKeys.map((key) => readDropRecord(processed, key)));
  const isAll = records.some(({ lines }) => lines === null);
  const lines = new Set(records.flatMap((record) => record.lines ?? []));
  const isDropped = (line: number) => isAll || lines.has(line);
  const dropped = file.rows.filter(({ line }) => isDropped(line));
  return {
    ...file,
    dropped,
    rows: file.rows.filter(({ line }) => !isDropped(line)),
    quarantined: isAll ? 0 : file.quarantined - dropped.length,
  };
}
