import type pg from 'pg';
import { formatType } from '../../../shared/model/define.ts';
import type { Model, WarehouseTable } from '../../../shared/model/model.ts';

/** The columns that the warehouse has of a table: with its type where that is not the model's. */
export type FoundColumns = ReadonlyMap<string, string | undefined>;

/** Either holds what the other one does. Oids of built-in types are fixed. */
const textOids = [25, 1043];

/** @returns by the name of the table; a table that is not there is left out */
export async function readWarehouseColumns(
  warehouse: pg.Client,
  { tables }: Model,
): Promise<ReadonlyMap<string, FoundColumns>> {
  const wanted = tables.flatMap((table) =>
    table.columns.map(({ name, type }) => [table.name, name, formatType(type)] as const),
  );
  const { rows } = await warehouse.query<{ table: string; column: string | null; other: string | null }>(
    `select wanted."table", attname::text as "column",
            case when atttypid is distinct from to_regtype(wanted.type)
                  and not (atttypid = any($4::oid[]) and to_regtype(wanted.type) = any($4::oid[]))
                 then format_type(atttypid, null) end as other
       from unnest($1::text[], $2::text[], $3::text[]) as wanted ("table", "column", type)
       left join pg_attribute on attrelid = to_regclass(quote_ident(wanted."table")) and attname = wanted."column"
                             and attnum > 0 and not attisdropped
      where to_regclass(quote_ident(wanted."table")) is not null`,
    [...[0, 1, 2].map((part) => wanted.map((each) => each[part])), textOids],
  );
  const columns = new Map<string, Map<string, string | undefined>>();
  for (const { table, column, other } of rows) {
    const known = columns.get(table) ?? new Map<string, string | undefined>();
    columns.set(table, column === null ? known : known.set(column, other ?? undefined));
  }
  return columns;
}

/** Why nothing of a table can be compared. */
export function findMissing(
  { name, columns }: WarehouseTable,
  found: FoundColumns | undefined,
): string | undefined {
  if (found === undefined) return `the warehouse has no table ${name}`;
  const lacking = columns.flatMap((column) => (found.has(column.name) ? [] : [column.name]));
  if (lacking.length === 0) return undefined;
  return `the warehouse table ${name} has no column ${lacking.join(', ')}`;
}

/** The columns that are of another type than the model's, in words: what fits into them is not what the model says. */
export function describeOtherTypes(
  { name, columns }: WarehouseTable,
  found: FoundColumns | undefined,
): string | undefined {
  const others = columns.flatMap((column) => {
    const other = found?.get(column.name);
    return other === undefined ? [] : [`${column.name} is ${other} and must be ${formatType(column.type)}`];
  });
  return others.length === 0 ? undefined : `of the warehouse table ${name}, ${others.join(', ')}`;
}
