import type pg from 'pg';
import { quoteQualified } from '../postgres/identifier.ts';

/** Those of the schema's tables that are there and that the connection's role may read. */
export async function selectReadable(
  client: pg.ClientBase,
  schema: string,
  names: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ name: string }>(
    `select wanted.name from unnest($1::text[], $2::text[]) as wanted (name, relation)
      where has_table_privilege(to_regclass(wanted.relation), 'select')`,
    [names, names.map((name) => quoteQualified(schema, name))],
  );
  return new Set(rows.map(({ name }) => name));
}
