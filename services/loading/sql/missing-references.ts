import type pg from 'pg';

/** A column that holds keys of a dimension, as SQL names both: every name here is quoted. */
export interface DimensionReference {
  column: string;
  nullable: boolean;
  dimension: string;
  key: string;
}

/**
 * Whether all of these keys have their row in the dimension.
 *
 * @param type the key's, such as int
 */
export async function areAllThere(
  client: pg.ClientBase,
  { dimension, key }: DimensionReference,
  type: string,
  keys: readonly (number | string)[],
): Promise<boolean> {
  const { rowCount } = await client.query(
    `select from unnest($1::${type}[]) as wanted (id)
     where not exists (select from ${dimension} d where d.${key} = wanted.id)
     limit 1`,
    // pg takes many times as long to write an array of numbers as join does, and text needs its escapes.
    [type === 'int' ? `{${keys.join(',')}}` : keys],
  );
  return rowCount === 0;
}

/** An SQL condition: every dimension row that the row of this alias names is there. */
export const hasReferences = (alias: string, references: readonly DimensionReference[]): string =>
  references
    .map(({ column, nullable, dimension, key }) => {
      const exists = `exists (select from ${dimension} d where d.${key} = ${alias}.${column})`;
      return nullable ? `(${alias}.${column} is null or ${exists})` : exists;
    })
    .join('\n      and ') || 'true';
