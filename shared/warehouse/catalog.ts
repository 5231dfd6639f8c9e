import type pg from 'pg';
import { catalogType, type Relation, type RelationColumn } from './relation.ts';

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
// `on conflict (columns)` cannot use a partial, deferrable or expression index.
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

/**
 * Compares a table of the database with the one that the model wants. A user's own columns are welcome, if a row can be
 * inserted without them.
 *
 * @returns one clause per difference, naming the column and both sides; empty if the table is usable
 */
export function findDifferences(wanted: Relation, found: CatalogRelation): string[] {
  if (!found.isTable) return ['it is not a table'];
  const missing = wanted.columns.flatMap((column) => {
    const existing = found.columns.find(({ name }) => name === column.name);
    if (existing !== undefined) return describeOther(column, existing);
    return column.isOptional ? [] : [describeMissing(column)];
  });
  const extra = found.columns
    .filter(({ name }) => !wanted.columns.some((column) => column.name === name))
    .filter(({ notNull, filled }) => notNull && !filled)
    .map(({ name, type }) => `column ${name} (${type} not null) is not in the model and has no default`);
  const keys = findMissingKeys(wanted, found);
  return [...missing, ...extra, ...keys.map((key) => `it has no unique index on (${key.join(', ')})`)];
}

/** The columns that a table has to get from its owner, without which it can be used. */
export const findLacking = (wanted: Relation, found: CatalogRelation): RelationColumn[] =>
  wanted.columns.filter(
    ({ name, isOptional }) => isOptional === true && !found.columns.some((column) => column.name === name),
  );

const describeMissing = ({ name, type }: RelationColumn): string =>
  `column ${name} (${catalogType(type)}) is missing`;

/** Both hold the same values, so a warehouse that was made with the one goes on with the other. */
const isUnlimitedText = (type: string): boolean => type === 'text' || type === 'character varying';

function describeOther(wanted: RelationColumn, found: CatalogColumn): string[] {
  // As the catalog's query has it: without quotes.
  const wantedType = catalogType(wanted.type).replaceAll('"', '');
  if (found.type !== wantedType && !(isUnlimitedText(found.type) && isUnlimitedText(wantedType))) {
    return [`column ${wanted.name} is ${found.type}, and must be ${wantedType}`];
  }
  if (wanted.nullable && found.notNull) return [`column ${wanted.name} is not null, and must allow null`];
  const needsDefault = wanted.type === 'bigserial' || wanted.generated !== undefined;
  return needsDefault && !found.filled ? [`column ${wanted.name} has no default, and must have one`] : [];
}

/** The keys that the model wants and that no unique index of the same columns provides. */
export function findMissingKeys(
  { primaryKey, uniques }: Relation,
  found: CatalogRelation,
): (readonly string[])[] {
  const keys = primaryKey === undefined ? uniques : [primaryKey, ...uniques];
  const isThere = (key: readonly string[]) =>
    found.uniques.some(
      (unique) => unique.length === key.length && key.every((name) => unique.includes(name)),
    );
  return keys.filter((key) => !isThere(key));
}
