import type { IsLate, TableCheck } from './table-check.ts';

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

/** The dates that each fact names: those that are text in its source. Every fact also names those of its timestamps. */
const datesOfFacts = [
  { fact: 'fact_sales_order', source: 'sales_order', texts: ['agreed_payment_date', 'agreed_delivery_date'] },
  {
    fact: 'fact_purchase_order',
    source: 'purchase_order',
    texts: ['agreed_payment_date', 'agreed_delivery_date'],
  },
  { fact: 'fact_payment', source: 'payment', texts: ['payment_date'] },
];
const daysOfTimestamps = ['created_at::date', 'last_updated::date'];

/** @param tables the warehouse's: the calendar has the dates that the facts among them name */
export function makeDimDate(tables: readonly string[]): TableCheck {
  const facts = datesOfFacts.filter(({ fact }) => tables.includes(fact));
  const [first = 'sales_order', ...others] = facts.map(({ source }) => source);
  return {
    table: 'dim_date',
    sourceTables: [first, ...others],
    columns,
    // An infinite date has no number: it sorts last as null, and no row is expected for it.
    sortKey: `case when isfinite(date_id) then date_id - date '2000-01-01' end`,
    // A day that only late rows name is not expected.
    // Each column's distinct values first, once: all of the checks come after that.
    // A text that is not a date gives no row here. Before Postgres 16 every cast can fail, so the day is
    // counted from the first of its month, and a day that the month does not have comes out as another text.
    expected: (isLate) => `
    with text_day (text) as materialized (
      select null::text where false
      ${facts.flatMap(({ source, texts }) => selectDistinct(texts, source, isLate)).join('\n      ')}
    ), parsed_day (text, day) as materialized (
      select text,
             case when text ~ '^\\d{4}-(0[1-9]|1[0-2])-[0-3]\\d$' and text !~ '^0000'
                  then (left(text, 8) || '01')::date + (right(text, 2)::int - 1) end
        from text_day
    ), named_day (day) as (
      select day from parsed_day where to_char(day, 'YYYY-MM-DD') = text
      ${facts.flatMap(({ source }) => selectDistinct(daysOfTimestamps, source, isLate)).join('\n      ')}
    )
    select false as is_late, calendar.*
      from named_day,
           lateral (select ${valuesOfDay('day').join(', ')}) as calendar (${columns.join(', ')})
     where isfinite(named_day.day)`,
    ownTruth: valuesOfDay('date_id'),
  };
}

const selectDistinct = (expressions: readonly string[], source: string, isLate: IsLate): string[] =>
  expressions.map(
    (expression) =>
      `union select distinct ${expression} from ${source} where not ${isLate(source, [source])}`,
  );
