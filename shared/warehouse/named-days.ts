import type pg from 'pg';
import { type Calendar, type Model, referencesTable } from '../model/model.ts';
import { quoteIdentifier, quoteQualified } from '../postgres/identifier.ts';
import { selectReadable } from './readable-tables.ts';

export interface NamedDays {
  /** Days that rows name. */
  named: number;
  /** Those of them that the calendar lacks, in days since 1970-01-01. */
  missing: number[];
}

/**
 * The days that rows of the star tables name. The calendar must have each of them: loads add it before the row. Reads all of
 * these tables.
 */
export async function selectNamedDays(
  client: pg.ClientBase,
  model: Model,
  { schema, calendar }: { schema: string; calendar: Calendar },
): Promise<NamedDays> {
  const tables = model.tables.filter(
    (table) => table.kind !== 'calendar' && referencesTable(table, calendar),
  );
  const readable = await selectReadable(
    client,
    schema,
    tables.map(({ name }) => name),
  );
  const columns = tables
    .filter(({ name }) => readable.has(name))
    .flatMap(({ name, columns }) =>
      columns
        .filter((column) => 'references' in column && column.references === calendar.name)
        .map(
          (column) => `select ${quoteIdentifier(column.name)} as day from ${quoteQualified(schema, name)}`,
        ),
    );
  if (columns.length === 0) return { named: 0, missing: [] };
  const { rows } = await client.query<{ day: number; isMissing: boolean }>(
    `select distinct named.day - date '1970-01-01' as day,
            not exists (select from ${quoteQualified(schema, calendar.name)} c
                         where c.${quoteIdentifier(calendar.key[0])} = named.day) as "isMissing"
       from (${columns.join(' union ')}) as named
      where named.day between '0001-01-01' and '9999-12-31'`,
  );
  return { named: rows.length, missing: rows.flatMap(({ day, isMissing }) => (isMissing ? day : [])) };
}
