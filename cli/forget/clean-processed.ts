import type { RecordBatch, Schema } from 'apache-arrow';
import type pg from 'pg';
import { TerminalError } from '../../shared/errors.ts';
import { ledgerTable } from '../../shared/ledger/schema/ledger-schema.ts';
import type { WarehouseTable } from '../../shared/model/model.ts';
import { formatCensusFolder, formatTableFolder } from '../../shared/object-store/object-key.ts';
import type { StoredObject } from '../../shared/object-store/object-store.ts';
import { readAnyParquet } from '../../shared/parquet/read-parquet.ts';
import { writeParquet } from '../../shared/parquet/write-parquet.ts';
import { makeReader } from '../objects/arrow-text.ts';
import { type IsWanted, makeIsWanted, type RowsToForget, type TableToClean } from './forgotten-row.ts';
import {
  type Cleaned,
  type CleanedObject,
  type CleanedZone,
  type CleaningContext,
  cleanObjects,
} from './found-objects.ts';

/**
 * Takes the rows out of the processed zone's objects of one table, and its keys out of the censuses.
 *
 * @param warehouse undefined where nothing was loaded: else its ledger says how many rows each object has
 */
export async function cleanProcessed(
  zone: CleanedZone,
  warehouse: pg.Client | undefined,
  { fields, isInCensus }: RowsToForget,
  { table, columns }: TableToClean,
  context: CleaningContext,
): Promise<Cleaned> {
  const isWanted = makeIsWanted(fields);
  const folders = [formatTableFolder(table.name), ...(isInCensus ? [formatCensusFolder(table.name)] : [])];
  return cleanObjects(zone, folders, context, async (key, object) => {
    const cleaned = await cleanRows(key, object, { table, columns }, isWanted);
    // First: an attempt that ends in between finds the row once more.
    if (cleaned !== undefined) await enterRows(warehouse, key, Number(cleaned.metadata.rows));
    return cleaned;
  });
}

async function cleanRows(
  key: string,
  { body, metadata }: Pick<StoredObject, 'body' | 'metadata'>,
  { table, columns }: TableToClean,
  isWanted: IsWanted,
): Promise<CleanedObject | undefined> {
  const { schema, batches } = await readAnyParquet({ table: table.name, key }, body);
  const indexes = columns.map((column) => columnIndex(schema, column, table, key));
  const kept = batches.flatMap((batch) => keepOthers(batch, indexes, isWanted));
  const [before, after] = [batches, kept].map((all) => all.reduce((sum, { numRows }) => sum + numRows, 0));
  const removed = (before ?? 0) - (after ?? 0);
  if (removed === 0) return undefined;
  // An empty batch brings the schema.
  const written = kept.length > 0 ? kept : batches.slice(0, 1).map((batch) => batch.slice(0, 0));
  const parquet = await writeParquet(withColumnsOf(table, schema), written);
  return { body: parquet, metadata: { ...metadata, rows: String(after) }, removed };
}

/** @throws {TerminalError} an older model has made the object, which calls the column otherwise or does not have it */
function columnIndex({ fields }: Schema, column: string, table: TableToClean['table'], key: string): number {
  const was = table.columns.find(({ name }) => name === column)?.was;
  for (const name of [column, was]) {
    const index = fields.findIndex((field) => field.name === name);
    if (index >= 0) return index;
  }
  throw new TerminalError(
    `${key} was made by an older model, without ${column}: whether it has the row cannot be told. Delete the object: its rows are made again of what was ingested`,
    { key },
  );
}

/** The runs of rows between those that are wanted. */
function keepOthers(batch: RecordBatch, indexes: readonly number[], isWanted: IsWanted): RecordBatch[] {
  const readers = indexes.map((index) => {
    const data = batch.data.children[index];
    if (data === undefined) return () => undefined;
    const read = makeReader(data);
    return (row: number) => (data.getValid(row) ? read(row).text : undefined);
  });
  const kept: RecordBatch[] = [];
  let from = 0;
  for (let row = 0; row < batch.numRows; row++) {
    if (!isWanted(readers.map((read) => read(row)))) continue;
    if (row > from) kept.push(batch.slice(from, row));
    from = row + 1;
  }
  if (from === 0) return [batch];
  if (from < batch.numRows) kept.push(batch.slice(from, batch.numRows));
  return kept;
}

/** What columns are encoded by goes by their types. */
const withColumnsOf = (table: WarehouseTable, { fields }: Schema): WarehouseTable =>
  ({
    ...table,
    columns: table.columns.filter(({ name }) => fields.some((field) => field.name === name)),
  }) as WarehouseTable;

/** To a number and not by one, so that it may be repeated. */
async function enterRows(warehouse: pg.Client | undefined, key: string, rows: number): Promise<void> {
  await warehouse?.query(`update ${ledgerTable} set rows = least(rows, $2) where key = $1`, [key, rows]);
}
