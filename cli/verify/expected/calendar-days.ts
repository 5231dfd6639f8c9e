import type { Calendar, Model } from '../../../shared/model/model.ts';
import { type ExpectedRows, type SourceReading, selectValues } from './generated-rows.ts';
import { makeSourceRows, referencing, type SourceRows } from './source-rows.ts';

/** What a row of the calendar must hold by its own date, in Postgres' words: to_char without TM is English everywhere. */
const valuesOfDay: Readonly<Record<string, (day: string) => string>> = {
  date_id: (day) => day,
  year: (day) => `extract(year from ${day})`,
  month: (day) => `extract(month from ${day})`,
  day: (day) => `extract(day from ${day})`,
  day_of_week: (day) => `extract(isodow from ${day})`,
  day_name: (day) => `to_char(${day}, 'FMDay')`,
  month_name: (day) => `to_char(${day}, 'FMMonth')`,
  quarter: (day) => `extract(quarter from ${day})`,
};

/**
 * SQL for the values of a calendar's columns.
 *
 * @param day SQL for its date
 * @throws {Error} it has a column that no calendar has
 */
export const dayValues = ({ columns }: Calendar, day: string): string[] =>
  columns.map(({ name }) => {
    const value = valuesOfDay[name];
    if (value === undefined) throw new Error(`its column ${name} is not one of a calendar`);
    return value(day);
  });

/** The days that the calendar must have: those that a row which is not late names. */
export async function selectDays(
  calendar: Calendar,
  reading: SourceReading & { model: Model },
): Promise<ExpectedRows> {
  const days = await selectNamedDays(calendar, reading, (late) => `not ${late}`);
  const list = dayValues(calendar, 'day').map((sql, index) => `${sql} as c${index}`);
  return { query: `select ${list.join(', ')}, false as is_pending from (${days}) as named` };
}

/**
 * A query for the days, as `day`, that rows of the source name.
 *
 * Each column's distinct values come first, once: all else is done to those alone.
 *
 * @param which SQL for which rows count, by SQL that says whether one is late; undefined where none does
 */
export async function selectNamedDays(
  calendar: Calendar,
  { source, model, isLate }: SourceReading & { model: Model },
  which: (late: string, rows: SourceRows) => Promise<string | undefined> | string | undefined,
): Promise<string> {
  const texts: string[] = [];
  const dates: string[] = [];
  for (const { table, column } of referencing(calendar.name, model)) {
    const rows = makeSourceRows(table, [column]);
    const condition = await which(isLate(rows), rows);
    if (condition === undefined) continue;
    const [sql] = await selectValues(source, { source: table.source, columns: [column] }, rows);
    const list = column.from.kind === 'date' ? texts : dates;
    list.push(`union select distinct ${sql} ${rows.from} where ${condition}`);
  }
  // A text that is not a date gives no row. Before Postgres 16 every cast can fail, so the day is counted from the first of
  // its month, and a day that the month does not have comes out as another text.
  return `
    with text_day (text) as materialized (
      select null::text where false
      ${texts.join('\n')}
    ), parsed_day (text, day) as materialized (
      select text,
             case when text ~ '^\\d{4}-(0[1-9]|1[0-2])-[0-3]\\d$' and text !~ '^0000'
                  then (left(text, 8) || '01')::date + (right(text, 2)::int - 1) end
        from text_day
    ), named_day (day) as (
      select day from parsed_day where to_char(day, 'YYYY-MM-DD') = text
      ${dates.join('\n')}
    )
    select day from named_day where isfinite(day)`;
}
