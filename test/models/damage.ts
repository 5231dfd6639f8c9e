import pg from 'pg';
import type { ForeignModel } from './foreign-model.ts';

/**
 * Gives one row for each column of each table the value of another row, or none, and leaves keys alone.
 *
 * @returns how many rows of each table are wrong now
 */
export async function damageTables(
  { histories = {} }: ForeignModel,
  warehouseUrl: string,
): Promise<Record<string, number>> {
  const client = new pg.Client(warehouseUrl);
  await client.connect();
  const damaged: Record<string, number> = {};
  try {
    await client.query('set search_path = public');
    const { rows: tables } = await client.query<{ name: string; key: string[]; others: string[] }>(`
      select c.relname as name, keys.names as key,
             array(select attname::text from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped
                      and attname not in ('_object_id', '_deleted_by') and attname <> all (keys.names) order by attnum) as others
        from pg_class c,
             lateral (select array_agg(attname::text) as names
                        from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
                       where i.indrelid = c.oid and i.indisprimary) keys
       where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname <> 'dim_date'`);
    for (const { name, key, others } of tables) {
      const newest = histories[name]?.[0];
      let count = 0;
      for (const [place, column] of others.entries()) {
        count += await damageValue(client, { name, key, column, place, single: newest });
      }
      damaged[name] = count;
    }
    return damaged;
  } finally {
    await client.end();
  }
}

interface Damage {
  name: string;
  key: readonly string[];
  column: string;
  /** A row of its own for each column. */
  place: number;
  /** Of a table that keeps history: the column by which a row must have one version alone. */
  single: string | undefined;
}

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** @returns the rows that were changed: none where the table has too few, or the column has one value alone and no null */
async function damageValue(client: pg.Client, { name, key, column, place, single }: Damage): Promise<number> {
  const [table, value] = [quote(name), quote(column)];
  const alone =
    single === undefined
      ? 'true'
      : `(select count(*) from ${table} s where s.${quote(single)} = t.${quote(single)}) = 1`;
  const { rowCount } = await client.query(
    `with picked as (
       select ctid as place, ${value} as own from ${table} t where ${alone}
        order by ${key.map((each) => `${quote(each)}::text collate "C"`).join(', ')} offset $1 limit 1
     )
     update ${table} t
        set ${value} = (select ${value} from ${table} o where o.${value}::text is distinct from own::text limit 1)
       from picked
      where t.ctid = picked.place
        and exists (select from ${table} o where o.${value}::text is distinct from own::text)`,
    [place],
  );
  return rowCount ?? 0;
}
