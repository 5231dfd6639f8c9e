import type pg from 'pg';
import { UsageError } from '../usage-error.ts';
import type { TableCheck } from './table-check.ts';

/** @throws {UsageError} tables that the checks read are not in the source; names them all */
export async function assertSourceTables(source: pg.Client, checks: readonly TableCheck[]): Promise<void> {
  const wanted = [...new Set(checks.flatMap(({ sourceTables }) => sourceTables))];
  const { rows } = await source.query<{ name: string }>(
    'select name from unnest($1::text[]) as wanted (name) where to_regclass(quote_ident(name)) is null',
    [wanted],
  );
  if (rows.length > 0) {
    throw new UsageError(`the source has no table ${rows.map(({ name }) => name).join(', ')}`);
  }
}

const charOid = 1042;

/**
 * The columns of what a check expects that are a char(n) in the source: its padding is no part of the value. Within the
 * transaction of the check.
 */
export async function readPaddedColumns(
  source: pg.Client,
  { expected }: TableCheck,
): Promise<ReadonlySet<string>> {
  const { fields } = await source.query(`select * from (${expected}) as expected limit 0`);
  return new Set(fields.filter(({ dataTypeID }) => dataTypeID === charOid).map(({ name }) => name));
}

/** @returns the columns of each checked table that the warehouse has */
export async function readWarehouseColumns(
  warehouse: pg.Client,
  checks: readonly TableCheck[],
): Promise<Map<string, ReadonlySet<string>>> {
  const { rows } = await warehouse.query<{ name: string; columns: string[] }>(
    `select name, array(select attname::text from pg_attribute
                         where attrelid = to_regclass(quote_ident(name)) and attnum > 0 and not attisdropped) as columns
       from unnest($1::text[]) as wanted (name)
      where to_regclass(quote_ident(name)) is not null`,
    [checks.map(({ table }) => table)],
  );
  return new Map(rows.map(({ name, columns }) => [name, new Set(columns)]));
}
