import type pg from 'pg';
import type { Relation } from './relation.ts';

/** A relation as the database has it. */
export interface CatalogRelation {
  schema: string;
  name: string;
  oid: string;
  isTable: boolean;
  columns: CatalogColumn[];
  /** The column lists of its unique indexes, primary key included. */
  uniques: string[][];
}

export interface CatalogColumn {
  name: string;
  /** As `format_type` writes it, without quotes. */
  type: string;
  notNull: boolean;
  /** It has a default, or is generated. */
  filled: boolean;
}

/** Reads, in one query, what the database has under the names of these relations. */
export async function readCatalog(
  client: pg.ClientBase,
  relations: readonly Relation[],
): Promise<CatalogRelation[]> {
  const { rows } = await client.query<CatalogRelation>(catalogQuery, [
    relations.map(({ schema }) => schema),
    relations.map(({ name }) => name),
  ]);
  return rows;
}

// With quote_all_identifiers on, format_type writes "text".
// A partial, deferrable or expression index is none that `on conflict (columns)` can use.
const catalogQuery = `
select n.nspname as schema, c.relname as name, c.oid::text as oid, c.relkind in ('r', 'p') as "isTable",
  coalesce((
    select json_agg(json_build_object(
        'name', a.attname, 'type', replace(format_type(a.atttypid, a.atttypmod), '"', ''),
        'notNull', a.attnotnull, 'filled', a.atthasdef or a.attidentity <> '') order by a.attnum)
    from pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  ), '[]') as columns,
  coalesce((
    select json_agg((
      select json_agg(a.attname)
      from pg_attribute a
      where a.attrelid = c.oid and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
    ))
    from pg_index i
    where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indimmediate
      and i.indpred is null and i.indexprs is null
  ), '[]') as uniques
from unnest($1::text[], $2::text[]) as wanted (schema, name)
join pg_namespace n on n.nspname = wanted.schema
join pg_class c on c.relnamespace = n.oid and c.relname = wanted.name`;
