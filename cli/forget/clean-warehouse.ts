import type pg from 'pg';
import { limitWaiting } from '../../services/loading/limit-waiting.ts';
import { ledgerTable, parkedTable } from '../../shared/ledger/schema/ledger-schema.ts';
import { changeRows } from '../../shared/ledger/table-counts.ts';
import type { Model } from '../../shared/model/model.ts';
import type { ObjectVersion } from '../../shared/object-store/object-metadata.ts';
import { quoteIdentifier, quoteQualified } from '../../shared/postgres/identifier.ts';
import { inTransaction } from '../../shared/postgres/transaction.ts';
import { selectMissing } from '../../shared/warehouse/missing-tables.ts';
import { objectIdColumn } from '../../shared/warehouse/warehouse-schema.ts';
import { referencesOf } from '../waiting/waiting-rows.ts';
import type { RowsToForget, TableToClean, WantedField } from './forgotten-row.ts';

export interface WarehouseRows {
  /** Of the tables, histories among them. */
  loaded: number;
  /** That wait for a dimension row. */
  waiting: number;
}

/** Deletes the rows and what counts them, in one transaction that nobody writes to their tables beside. */
export async function cleanWarehouse(
  client: pg.Client,
  { tables, fields }: RowsToForget,
  { schema, version }: { schema: string; version: ObjectVersion },
): Promise<WarehouseRows> {
  const there = await listThere(client, schema, tables);
  const removed: WarehouseRows = { loaded: 0, waiting: 0 };
  if (there.length === 0) return removed;
  const missing = await selectMissing(
    client,
    there.map(({ table }) => parkedTable(table.name)),
  );
  await inTransaction(client, async () => {
    await limitWaiting(client, {
      written: there.map(({ table }) => quoteQualified(schema, table.name)),
      held: { tables: there.map(({ table }) => table.name), as: 'census' },
    });
    for (const each of there) {
      const { name, kind } = each.table;
      const loaded = await deleteRows(client, quoteQualified(schema, name), each, fields, version);
      await changeRows(client, name, -loaded, 'forgotten');
      removed.loaded += loaded;
      if (kind !== 'fact' || missing.includes(parkedTable(name))) continue;
      removed.waiting += await deleteRows(client, parkedTable(name), each, fields, version);
    }
  });
  return removed;
}

async function listThere(
  client: pg.Client,
  schema: string,
  tables: readonly TableToClean[],
): Promise<TableToClean[]> {
  const qualified = (name: string) => quoteQualified(schema, name);
  const missing = await selectMissing(
    client,
    tables.map(({ table }) => qualified(table.name)),
  );
  return tables.filter(({ table }) => !missing.includes(qualified(table.name)));
}

/** A row whose object the ledger does not know is older than any other. */
async function deleteRows(
  client: pg.Client,
  target: string,
  { columns }: TableToClean,
  fields: readonly WantedField[],
  { generation, xmax, xmin, tie }: ObjectVersion,
): Promise<number> {
  const { rowCount } = await client.query(
    `delete from ${target} t
      where ${conditionsOn('t', columns, 5)}
        and not exists (
          select from ${ledgerTable} o
           where o.object_id = t.${quoteIdentifier(objectIdColumn)}
             and (o.generation, o.snapshot_xmax, o.snapshot_xmin, o.tie) > ($1::int8, $2::int8, $3::int8, $4::int8))`,
    [generation, xmax, xmin, tie, ...fields.map(({ value }) => value.text)],
  );
  return rowCount ?? 0;
}

const conditionsOn = (row: string, columns: readonly string[], first: number): string =>
  columns.map((column, index) => `${row}.${quoteIdentifier(column)} = $${first + index}`).join(' and ');

/** Rows of another table that name one that is to be forgotten. */
export interface Referring {
  /** A fact. */
  table: string;
  column: string;
  rows: number;
}

/**
 * Counts the rows of facts, waiting ones too, that name a row of a dimension. Also where the row itself is gone already.
 *
 * @param isOwn the rows are told by the key of the dimension; else by other columns, and facts name them by their keys
 */
export async function countReferring(
  client: pg.Client,
  model: Model,
  { tables, fields }: RowsToForget,
  { schema, isOwn }: { schema: string; isOwn: boolean },
): Promise<Referring[]> {
  const there = await listThere(client, schema, tables);
  const referring: Referring[] = [];
  for (const table of model.tables) {
    if (table.kind !== 'fact') continue;
    for (const { column, dimension } of referencesOf(table, model)) {
      const named = (isOwn ? tables : there).find((each) => each.table.name === dimension.name);
      if (named === undefined || named.table.key.length !== 1) continue;
      const keys = keysOf(named, schema, isOwn);
      const froms = [quoteQualified(schema, table.name), parkedTable(table.name)];
      const missing = await selectMissing(client, froms);
      let rows = 0;
      for (const from of froms.filter((each) => !missing.includes(each))) {
        const { rows: counted } = await client.query<{ count: number }>(
          `select count(*)::float8 as count from ${from} t where t.${quoteIdentifier(column)} ${keys}`,
          fields.map(({ value }) => value.text),
        );
        rows += counted[0]?.count ?? 0;
      }
      if (rows > 0) referring.push({ table: table.name, column, rows });
    }
  }
  return referring;
}

/** SQL: what a fact's column is compared with. */
function keysOf({ table, columns }: TableToClean, schema: string, isOwn: boolean): string {
  const [key = ''] = table.key;
  if (isOwn && columns.length === 1 && columns[0] === key) return '= $1';
  const from = quoteQualified(schema, table.name);
  return `in (select d.${quoteIdentifier(key)} from ${from} d where ${conditionsOn('d', columns, 1)})`;
}
