import pg from 'pg';
import type { ForeignModel } from './foreign-model.ts';

/** Rows of one warehouse table that are not as the source has them. */
export interface TableDifference {
  table: string;
  /** Rows that only the source has, and that only the warehouse has: each as a list of texts. */
  missing: string[];
  extra: string[];
}

/** What runs before this one have seen of the tables that keep history: by table and key, the row. */
export type SeenVersions = Map<string, Map<string, string>>;

/**
 * Compares every table of the warehouse with the source, each value by its text. It knows no file of the product, only
 * what the model's author has written by hand.
 *
 * @param seen of the earlier comparisons of the same two databases; this one adds to it
 */
export async function compareTables(
  model: ForeignModel,
  sourceUrl: string,
  warehouseUrl: string,
  seen: SeenVersions,
): Promise<TableDifference[]> {
  const source = await connectPlain(sourceUrl);
  const warehouse = await connectPlain(warehouseUrl);
  try {
    const differences: TableDifference[] = [];
    for (const table of await listTables(warehouse)) {
      if (table === 'dim_date') {
        differences.push(...(await compareCalendar(warehouse)));
        continue;
      }
      const columns = await listColumns(warehouse, table);
      const loaded = await readRows(
        warehouse,
        columns,
        `select * from public."${table}" where _deleted_by is null`,
      );
      const wanted = await readRows(source, columns, queryOf(model, table));
      const keys = model.histories?.[table];
      const expected = keys === undefined ? wanted : remember(seen, table, columns, keys, wanted);
      differences.push(...compareRows(table, expected, loaded));
    }
    return differences;
  } finally {
    await Promise.all([source.end(), warehouse.end()]);
  }
}

/** How many rows of each table are marked as gone from the source, where there are any. */
export async function countMarked(warehouseUrl: string): Promise<Record<string, number>> {
  const warehouse = await connectPlain(warehouseUrl);
  try {
    const marked: Record<string, number> = {};
    for (const table of (await listTables(warehouse)).filter((name) => name !== 'dim_date')) {
      const { rows } = await warehouse.query<{ n: string }>(
        `select count(*) as n from public."${table}" where _deleted_by is not null`,
      );
      if (Number(rows[0]?.n) > 0) marked[table] = Number(rows[0]?.n);
    }
    return marked;
  } finally {
    await warehouse.end();
  }
}

function queryOf(model: ForeignModel, table: string): string {
  const copied = model.copies[table];
  const query = model.queries[table] ?? (copied === undefined ? undefined : `select * from ${copied}`);
  if (query === undefined) throw new Error(`nobody has said what ${table} is made of`);
  return query;
}

/** Both sides render their values under the same settings. */
async function connectPlain(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, types: { getTypeParser: () => String } });
  await client.connect();
  await client.query(
    `set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres';
     set extra_float_digits = 1; set bytea_output = 'hex'; set lc_monetary = 'C'; set search_path = public`,
  );
  return client;
}

async function listTables(warehouse: pg.Client): Promise<string[]> {
  const { rows } = await warehouse.query<{ name: string }>(
    "select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by 1",
  );
  return rows.map(({ name }) => name);
}

/** All but the lineage. */
async function listColumns(warehouse: pg.Client, table: string): Promise<string[]> {
  const { rows } = await warehouse.query<{ name: string }>(
    `select attname as name from pg_attribute
      where attrelid = ('public.' || quote_ident($1))::regclass and attnum > 0 and not attisdropped
        and attname not in ('_object_id', '_deleted_by') order by attnum`,
    [table],
  );
  return rows.map(({ name }) => name);
}

/** Each row as JSON of its values' texts, in the order of the columns. */
async function readRows(client: pg.Client, columns: readonly string[], query: string): Promise<string[]> {
  const texts = columns.map((column) => `q."${column.replaceAll('"', '""')}"::text`);
  const { rows } = await client.query<(string | null)[]>({
    text: `select ${texts.join(', ')} from (${query}) q`,
    rowMode: 'array',
  });
  return rows.map((row) => JSON.stringify(row));
}

/** The versions that a run can have seen: those of the rows before, each in the state that it had last. */
function remember(
  seen: SeenVersions,
  table: string,
  columns: readonly string[],
  keys: readonly string[],
  rows: readonly string[],
): string[] {
  const places = keys.map((key) => columns.indexOf(key));
  const versions = seen.get(table) ?? new Map<string, string>();
  for (const row of rows) {
    const values = JSON.parse(row) as (string | null)[];
    versions.set(JSON.stringify(places.map((place) => values[place])), row);
  }
  seen.set(table, versions);
  return [...versions.values()];
}

/** Rows that are there twice count twice. */
function compareRows(
  table: string,
  expected: readonly string[],
  loaded: readonly string[],
): TableDifference[] {
  const counts = new Map<string, number>();
  for (const row of expected) counts.set(row, (counts.get(row) ?? 0) + 1);
  for (const row of loaded) counts.set(row, (counts.get(row) ?? 0) - 1);
  const missing = [...counts].filter(([, count]) => count > 0).map(([row]) => row);
  const extra = [...counts].filter(([, count]) => count < 0).map(([row]) => row);
  return missing.length + extra.length === 0 ? [] : [{ table, missing, extra }];
}

/** Each day once, with what Postgres says of it; and every day that a row names. */
async function compareCalendar(warehouse: pg.Client): Promise<TableDifference[]> {
  const { rows } = await warehouse.query<{ row: string }>(`
    select d::text as row from public.dim_date d
     where (year, month, day, day_of_week, quarter) is distinct from
           (extract(year from date_id)::int, extract(month from date_id)::int, extract(day from date_id)::int,
            extract(isodow from date_id)::int, extract(quarter from date_id)::int)
        or day_name <> trim(to_char(date_id, 'Day')) or month_name <> trim(to_char(date_id, 'Month'))
        or 1 < (select count(*) from public.dim_date same where same.date_id = d.date_id)`);
  return rows.length === 0 ? [] : [{ table: 'dim_date', missing: [], extra: rows.map(({ row }) => row) }];
}
