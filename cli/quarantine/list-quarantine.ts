import type pg from 'pg';
import {
  formatObjectKey,
  formatQuarantineKey,
  type ProcessedKey,
  parseObjectKey,
} from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { quoteIdentifier, quoteQualified } from '../../shared/postgres/identifier.ts';
import type { StarSchema, WarehouseTable } from '../../shared/star-schema/assemble.ts';
import { ledgerTable } from '../../shared/warehouse/ledger-schema.ts';
import { objectIdColumn } from '../../shared/warehouse/warehouse-schema.ts';
import { isWhole } from '../site/ledger.ts';
import type { Site } from '../site/site.ts';
import { listCurrent, withoutDropped } from './quarantine-file.ts';

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

type QuarantineSite = Pick<Site, 'processed' | 'connectWarehouse' | 'warehouseSchema'>;

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
  site: QuarantineSite,
  model: StarSchema,
  tables: readonly string[],
): Promise<QuarantineFile[]> {
  const current = await listCurrent(site.processed, tables);
  const files: QuarantineFile[] = [];
  for (let start = 0; start < current.length; start += concurrentReads) {
    const group = current.slice(start, start + concurrentReads);
    files.push(...(await Promise.all(group.map(({ key }) => readFile(site.processed, key, model)))));
  }
  if (files.length === 0) return files;
  const records = new Map(current.map(({ key, records }) => [formatQuarantineKey(key), records]));
  const bad = await findMended(site, model, withoutReadAgain(files, model));
  return Promise.all(bad.map((file) => withoutDropped(site.processed, file, records.get(file.file) ?? [])));
}

/** How many rows of each warehouse table are still in quarantine; a table without any is left out. */
export async function countQuarantined(
  site: QuarantineSite,
  model: StarSchema,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const names = model.tables.map(({ name }) => name);
  for (const { table, quarantined } of await listQuarantine(site, model, names)) {
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

/**
 * Takes out of the files the rows that a later run has quarantined as well: a table that is read in full again brings
 * its bad rows again, each of which is one bad row.
 *
 * A dimension has the latest state alone, so its row is told by its key. A fact keeps every version, so its row is
 * told by its last_updated too; where the file had no room for the row's text, it stands for itself.
 */
export function withoutReadAgain(files: readonly QuarantineFile[], model: StarSchema): QuarantineFile[] {
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
  if (table.kind !== 'fact') return JSON.stringify([table.name, key]);
  const lastUpdated = lastUpdatedOf(row);
  return lastUpdated === undefined ? undefined : JSON.stringify([table.name, key, lastUpdated]);
}

function lastUpdatedOf(row: string | null): unknown {
  try {
    return (JSON.parse(row ?? '{}') as { last_updated?: unknown }).last_updated;
  } catch {
    // That it is no JSON is what is wrong with it.
    return undefined;
  }
}

/** Takes out of the files the rows of which the warehouse has a newer version. */
export async function findMended(
  site: Pick<Site, 'connectWarehouse' | 'warehouseSchema'>,
  model: StarSchema,
  files: readonly QuarantineFile[],
): Promise<QuarantineFile[]> {
  const warehouse = await site.connectWarehouse();
  try {
    if (!(await isWhole(warehouse, model, site.warehouseSchema))) return [...files];
    const left: QuarantineFile[] = [];
    for (const file of files) {
      const mended = await selectNewer(warehouse, site.warehouseSchema, model.table(file.table), file);
      const stillBad = file.rows.filter(({ key }) => key === null || !mended.has(String(key)));
      const count = file.rows.length - stillBad.length;
      left.push({ ...file, rows: stillBad, mended: count, quarantined: file.quarantined - count });
    }
    return left;
  } finally {
    await warehouse.end();
  }
}

/** The slice's own version is in the ledger once any revision of it is loaded; before, nothing counts as newer. */
async function selectNewer(
  warehouse: pg.ClientBase,
  schema: string,
  table: WarehouseTable,
  file: QuarantineFile,
): Promise<ReadonlySet<string>> {
  const type = table.columns.find(({ name }) => name === table.key)?.type.name ?? 'varchar';
  const keys = file.rows.flatMap(({ key }) => (key === null ? [] : String(key)));
  const { run, slice } = parseObjectKey(file.ingested);
  const key = `t.${quoteIdentifier(table.key)}`;
  const { rows } = await warehouse.query<{ key: string }>(
    `select distinct ${key}::text as key
     from ${quoteQualified(schema, table.name)} t
     join ${ledgerTable} new on new.object_id = t.${quoteIdentifier(objectIdColumn)}
     where ${key} = any ($1::text[]::${type}[])
       and (new.generation, new.snapshot_xmax, new.snapshot_xmin, new.tie) > (
         select old.generation, old.snapshot_xmax, old.snapshot_xmin, old.tie from ${ledgerTable} old
         where old.warehouse_table = $2 and old.run = $3 and old.slice = $4
         limit 1
       )`,
    // A key that is no int is what is wrong with its row, and no row of the warehouse has it.
    [type === 'int' ? keys.filter(isInt) : keys, file.table, run, slice],
  );
  return new Set(rows.map((row) => row.key));
}

const isInt = (text: string): boolean => /^-?\d{1,10}$/.test(text) && Math.abs(Number(text)) < 2 ** 31;
