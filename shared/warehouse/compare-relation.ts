import type { CatalogColumn, CatalogRelation } from './read-catalog.ts';
import { catalogType, type Relation, type RelationColumn } from './relation.ts';

/**
 * Says what keeps a table of the database from being the one that the model wants.
 *
 * Columns of one's own are welcome, as long as a row can be inserted without them.
 *
 * @returns one clause per difference, naming the column and both sides; none when it will do
 */
export function findDifferences(wanted: Relation, found: CatalogRelation): string[] {
  if (!found.isTable) return ['it is no table'];
  const missing = wanted.columns.flatMap((column) => {
    const existing = found.columns.find(({ name }) => name === column.name);
    return existing === undefined ? [describeMissing(column)] : describeOther(column, existing);
  });
  const extra = found.columns
    .filter(({ name }) => !wanted.columns.some((column) => column.name === name))
    .filter(({ notNull, filled }) => notNull && !filled)
    .map(({ name, type }) => `column ${name} (${type} not null) is none of the model's and has no default`);
  const keys = findMissingKeys(wanted, found);
  return [...missing, ...extra, ...keys.map((key) => `it has no unique index on (${key.join(', ')})`)];
}

const describeMissing = ({ name, type }: RelationColumn): string =>
  `column ${name} (${catalogType(type)}) is missing`;

function describeOther(wanted: RelationColumn, found: CatalogColumn): string[] {
  const wantedType = catalogType(wanted.type);
  if (found.type !== wantedType) {
    return [`column ${wanted.name} is ${found.type}, and must be ${wantedType}`];
  }
  if (wanted.nullable && found.notNull) return [`column ${wanted.name} is not null, and must allow null`];
  const needsDefault = wanted.type === 'bigserial' || wanted.generated !== undefined;
  return needsDefault && !found.filled ? [`column ${wanted.name} has no default, and must have one`] : [];
}

/** The keys that the model wants, and no unique index is there of the same columns. */
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
