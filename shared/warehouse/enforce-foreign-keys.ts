import type pg from 'pg';
import { quoteIdentifier, quoteQualified } from '../postgres/identifier.ts';
import { formatForeignKey, type Relation } from './relation.ts';

interface ForeignKeyState {
  schema: string;
  table: string;
  column: string;
  /** Of the constraint that is there; null where there is none. */
  constraint: string | null;
}

/** The foreign keys of these relations that Postgres does not check, be they declared or not there at all. */
export async function findUnenforced(
  client: pg.ClientBase,
  relations: readonly Relation[],
): Promise<ForeignKeyState[]> {
  const wanted = relations.flatMap(({ schema, name, references }) =>
    references.map(({ column }) => ({ schema, name, column })),
  );
  const { rows } = await client.query<ForeignKeyState>(unenforcedQuery, [
    wanted.map(({ schema }) => schema),
    wanted.map(({ name }) => name),
    wanted.map(({ column }) => column),
  ]);
  return rows;
}

/** @throws {pg.DatabaseError} 23503: a row names another that is not there; the message names the constraint */
export async function enforce(
  client: pg.ClientBase,
  relations: readonly Relation[],
  unenforced: readonly ForeignKeyState[],
): Promise<void> {
  for (const { schema, table, column, constraint } of unenforced) {
    const relation = relations.find((each) => each.schema === schema && each.name === table);
    const reference = relation?.references.find((each) => each.column === column);
    if (relation === undefined || reference === undefined) continue;
    const change =
      constraint === null
        ? `add ${formatForeignKey(relation, reference, 'enforced')}`
        : `alter constraint ${quoteIdentifier(constraint)} enforced`;
    await client.query(`alter table ${quoteQualified(schema, table)} ${change}`);
  }
}

// Below Postgres 18 there is no pg_constraint.conenforced: by way of JSON it may be missing, and is true.
const unenforcedQuery = `
select wanted.*, k.conname as constraint
from unnest($1::text[], $2::text[], $3::text[]) as wanted (schema, "table", "column")
join pg_namespace n on n.nspname = wanted.schema
join pg_class c on c.relnamespace = n.oid and c.relname = wanted.table
join pg_attribute a on a.attrelid = c.oid and a.attname = wanted.column
left join pg_constraint k on k.conrelid = c.oid and k.contype = 'f' and k.conkey = array[a.attnum]
where k.oid is null or not coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)`;
