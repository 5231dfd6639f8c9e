import type { TableCheck } from '../table-check.ts';

// What a row must hold by its own date, in Postgres' words: to_char without TM is English everywhere.
const valuesOfDay = (day: string): string[] => [
  day,
  `extract(year from ${day})`,
  `extract(month from ${day})`,
  `extract(day from ${day})`,
  `extract(isodow from ${day})`,
  `to_char(${day}, 'FMDay')`,
  `to_char(${day}, 'FMMonth')`,
  `extract(quarter from ${day})`,
];

const columns = ['date_id', 'year', 'month', 'day', 'day_of_week', 'day_name', 'month_name', 'quarter'];

export const dimDate: TableCheck = {
  table: 'dim_date',
  sourceTables: ['sales_order', 'purchase_order', 'payment'],
  columns,
  // An infinite date has no number: it sorts last as null, and no row is expected for it.
  sortKey: `case when isfinite(date_id) then date_id - date '2000-01-01' end`,
  // Each column's distinct values first, once: all of the checks come after that.
  // A text that is no date is no row here. There is no cast that cannot fail before Postgres 16, so the day is
  // counted from the first of its month, and a day that the month does not have comes out as another text.
  expected: `
    with text_day (text) as materialized (
      select distinct agreed_payment_date from sales_order
      union select distinct agreed_delivery_date from sales_order
      union select distinct agreed_payment_date from purchase_order
      union select distinct agreed_delivery_date from purchase_order
      union select distinct payment_date from payment
    ), parsed_day (text, day) as materialized (
      select text,
             case when text ~ '^\\d{4}-(0[1-9]|1[0-2])-[0-3]\\d$' and text !~ '^0000'
                  then (left(text, 8) || '01')::date + (right(text, 2)::int - 1) end
        from text_day
    ), named_day (day) as (
      select day from parsed_day where to_char(day, 'YYYY-MM-DD') = text
      union select distinct created_at::date from sales_order
      union select distinct last_updated::date from sales_order
      union select distinct created_at::date from purchase_order
      union select distinct last_updated::date from purchase_order
      union select distinct created_at::date from payment
      union select distinct last_updated::date from payment
    )
    select calendar.*
      from named_day,
           lateral (select ${valuesOfDay('day').join(', ')}) as calendar (${columns.join(', ')})
     where isfinite(named_day.day)`,
  ownTruth: valuesOfDay('date_id'),
};
