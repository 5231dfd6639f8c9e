import type pg from 'pg';
import { calendarRow } from '../model/calendar.ts';
import type { Calendar } from '../model/model.ts';
import { quoteIdentifier, quoteQualified } from '../postgres/identifier.ts';
import { inTransaction } from '../postgres/transaction.ts';

/**
 * Inserts the days that the calendar does not have yet, in a short transaction of their own, and in order, so that two of
 * these transactions never wait for each other in a circle.
 *
 * @param client outside of a transaction
 * @param epochDays days since 1970-01-01, within years 1 to 9999
 * @returns the number of days inserted
 */
export async function insertDates(
  client: pg.ClientBase,
  { schema, calendar }: { schema: string; calendar: Calendar },
  epochDays: Iterable<number>,
): Promise<number> {
  const table = quoteQualified(schema, calendar.name);
  const [keyName] = calendar.key;
  const missing = await selectMissing(client, table, keyName, epochDays);
  if (missing.length === 0) return 0;
  const columns = calendar.columns.map(({ name }) => quoteIdentifier(name)).join(', ');
  const key = quoteIdentifier(keyName);
  const { rowCount } = await inTransaction(client, () =>
    client.query(
      `insert into ${table} (${columns})
       select ${columns} from json_populate_recordset(null::${table}, $1)
       order by ${key}
       on conflict (${key}) do nothing`,
      [JSON.stringify(missing.map(({ day, text }) => ({ ...calendarRow(day), [keyName]: text })))],
    ),
  );
  return rowCount ?? 0;
}

async function selectMissing(
  client: pg.ClientBase,
  table: string,
  key: string,
  epochDays: Iterable<number>,
): Promise<{ day: number; text: string }[]> {
  const days = [...epochDays].map((day) => day.toFixed(0)).join(',');
  // Several statements in one query are one transaction and one round trip, and have no parameters.
  const results: unknown = await client.query(
    `set local lock_timeout = '1s';
     select day, to_char(date '1970-01-01' + day, 'YYYY-MM-DD') as text
     from unnest('{${days}}'::int[]) as day
     where not exists (select from ${table} c where c.${quoteIdentifier(key)} = date '1970-01-01' + day)`,
  );
  return (results as pg.QueryResult<{ day: number; text: string }>[]).at(-1)?.rows ?? [];
}
