import type pg from 'pg';
import { epochDayOf } from '../../../shared/model/calendar.ts';
import { quoteIdentifier, quoteQualified } from '../../../shared/postgres/identifier.ts';
import { insertDates } from '../../../shared/warehouse/insert-dates.ts';
import type { Site } from '../../site/site.ts';

/** A longer gap is a typing error in a date, not the age of a business. */
const longestGapYears = 100;

/** Fills the calendar years around the dates that facts name, so that a report by month has no holes. */
export async function fillCalendarYears(
  warehouse: pg.Client,
  { model: { calendar }, warehouseSchema: schema }: Pick<Site, 'model' | 'warehouseSchema'>,
): Promise<void> {
  if (calendar === undefined) return;
  const [key] = calendar.key;
  const table = quoteQualified(schema, calendar.name);
  const { rows } = await warehouse.query<{ year: number; days: number }>(
    `select extract(year from ${quoteIdentifier(key)})::int as year, count(*)::int as days
       from ${table} group by 1 order by 1`,
  );
  const filled = new Set(rows.filter(({ year, days }) => days === daysOf(year)).map(({ year }) => year));
  const missing = yearsAround(rows.map(({ year }) => year)).filter((year) => !filled.has(year));
  const days = missing.flatMap((year) =>
    Array.from({ length: daysOf(year) }, (_, index) => epochDayOf(year, 1, 1) + index),
  );
  if (days.length > 0) await insertDates(warehouse, { schema, calendar }, days);
}

/**
 * The years that a calendar for these should have: the years themselves and those between them, except in gaps that are
 * too long.
 *
 * @param years ascending
 */
export const yearsAround = (years: readonly number[]): number[] =>
  years.flatMap((year, index) => {
    const next = years[index + 1] ?? year;
    const gap = next - year > longestGapYears ? 1 : Math.max(1, next - year);
    return Array.from({ length: gap }, (_, offset) => year + offset);
  });

const daysOf = (year: number): number => epochDayOf(year + 1, 1, 1) - epochDayOf(year, 1, 1);
