import type pg from 'pg';
import type { NextTable } from '../../shared/model/define.ts';
import { isHistory, versionColumn } from '../../shared/model/history.ts';
import type { Model, WarehouseTable } from '../../shared/model/model.ts';
import { quoteIdentifier, quoteQualified } from '../../shared/postgres/identifier.ts';
import { businessKey, warehouseRelations } from '../../shared/warehouse/warehouse-schema.ts';

export interface CarryOptions {
  schema: string;
  /** Has the tables that readers see. */
  before: Model;
  /** Has the tables that take their places, under the names of those. */
  target: Model;
}

/** What of a table only the table itself has. */
export interface Carried {
  /** The columns by which a row of the one is found in the other; undefined where it cannot be. */
  matching: readonly string[] | undefined;
  /** Columns that the new table does not have by its model: a user's own, and those that have left the model. */
  kept: readonly KeptColumn[];
  /** The columns with the numbers that the warehouse has given to the rows; undefined where one has none. */
  surrogate: { before: string; next: string } | undefined;
}

interface KeptColumn {
  name: string;
  type: string;
  /** SQL; null where it has none. */
  default: string | null;
}

/**
 * Finds what has to be taken along, and how. The new table need not be there yet.
 *
 * @param nameNow the table's until it is renamed
 */
export async function findCarried(
  client: pg.ClientBase,
  table: string,
  { schema, before, target, nameNow = table }: CarryOptions & { nameNow?: string },
): Promise<Carried> {
  const [old, next] = [before.table(table), target.table(table)];
  const keys = [...new Set([...businessKey(old), ...businessKey(next)])];
  const canMatch = keys.every((column) => hasColumn(old, column) && hasColumn(next, column));
  const [from, to] = [surrogateOf(old), surrogateOf(next)];
  return {
    matching: canMatch ? keys : undefined,
    kept: await selectKept(client, { table, nameNow }, { schema, target }),
    surrogate: from === undefined || to === undefined ? undefined : { before: from, next: to },
  };
}

const hasColumn = (table: WarehouseTable, column: string): boolean =>
  table.columns.some(({ name }) => name === column) || (isHistory(table) && column === versionColumn);

const surrogateOf = (table: WarehouseTable): string | undefined =>
  table.kind === 'fact' ? table.surrogateKey : undefined;

async function selectKept(
  client: pg.ClientBase,
  { table, nameNow }: { table: string; nameNow: string },
  { schema, target }: Pick<CarryOptions, 'schema' | 'target'>,
): Promise<KeptColumn[]> {
  const relation = warehouseRelations(target, schema).find(({ name }) => name === table);
  const { rows } = await client.query<KeptColumn>(
    `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
            nullif(pg_get_expr(d.adbin, d.adrelid), case when pg_get_expr(d.adbin, d.adrelid) like 'nextval(%'
              then pg_get_expr(d.adbin, d.adrelid) end) as default
       from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        and a.attname <> all ($2::text[])
      order by a.attnum`,
    [quoteQualified(schema, nameNow), relation?.columns.map(({ name }) => name) ?? []],
  );
  return rows;
}

/**
 * Gives the new table what S3 does not have: the numbers of the rows that readers know, and the columns that others have
 * made. It may be called any number of times, and then changes what has come since.
 */
export async function carryOver(
  client: pg.ClientBase,
  { table, next }: NextTable,
  options: CarryOptions,
): Promise<void> {
  const { schema } = options;
  const { matching, kept, surrogate } = await findCarried(client, table, options);
  const [old, made] = [quoteQualified(schema, table), quoteQualified(schema, next)];
  for (const { name, type, default: expression } of kept) {
    const ending = expression === null ? '' : ` default ${expression}`;
    await client.query(
      `alter table ${made} add column if not exists ${quoteIdentifier(name)} ${type}${ending}`,
    );
  }
  const taken = [
    ...(surrogate === undefined ? [] : [{ from: surrogate.before, to: surrogate.next }]),
    ...kept.map(({ name }) => ({ from: name, to: name })),
  ];
  if (matching === undefined || taken.length === 0) return;
  const settings = taken.map(({ from, to }) => `${quoteIdentifier(to)} = o.${quoteIdentifier(from)}`);
  // As texts, because a type such as json cannot be compared.
  const differences = taken.map(
    ({ from, to }) => `n.${quoteIdentifier(to)}::text is distinct from o.${quoteIdentifier(from)}::text`,
  );
  const isSame = await matchRows(client, { old, made }, matching);
  await client.query(
    `update ${made} n set ${settings.join(', ')} from ${old} o where ${isSame} and (${differences.join(' or ')})`,
  );
}

/**
 * Counts the rows of the table that readers see whose key the new one does not have.
 *
 * @returns 0 where that key has a column that only the new table has: nothing can be compared then
 */
export async function countLacking(
  client: pg.ClientBase,
  { table, next }: NextTable,
  { schema, before, target }: CarryOptions,
): Promise<number> {
  const key = businessKey(target.table(table));
  if (!key.every((column) => hasColumn(before.table(table), column))) return 0;
  const [old, made] = [quoteQualified(schema, table), quoteQualified(schema, next)];
  const isSame = await matchRows(client, { old, made }, key);
  const { rows } = await client.query<{ lacking: number }>(
    `select count(*)::float8 as lacking from ${old} o where not exists (select from ${made} n where ${isSame})`,
  );
  return rows[0]?.lacking ?? 0;
}

/** As texts where the two have other types. */
async function matchRows(
  client: pg.ClientBase,
  { old, made }: { old: string; made: string },
  columns: readonly string[],
): Promise<string> {
  const { rows } = await client.query<{ name: string }>(
    `select a.attname as name from pg_attribute a join pg_attribute n using (attname)
      where a.attrelid = to_regclass($1) and n.attrelid = to_regclass($2) and a.atttypid = n.atttypid`,
    [old, made],
  );
  const same = new Set(rows.map(({ name }) => name));
  return columns
    .map(quoteIdentifier)
    .map((name, index) =>
      same.has(columns[index] ?? '') ? `o.${name} = n.${name}` : `o.${name}::text = n.${name}::text`,
    )
    .join(' and ');
}
