import type { RowRandom } from './random.ts';

export const MICROS_PER_DAY = 86_400_000_000;
const MICROS_PER_HOUR = 3_600_000_000;

/** The shop's first day, a Monday: 2024-09-02, in days since 1970-01-01. */
export const FIRST_DAY = 19_968;
const BUSINESS_DAYS = 260;
/** The shop's last day, the Friday 52 weeks on: 2025-08-29. */
export const LAST_DAY = FIRST_DAY + 51 * 7 + 4;

// Open from 08:30 to 17:30, Monday to Friday.
const OPENS_AT = 8.5 * MICROS_PER_HOUR;
export const BUSINESS_DAY_MICROS = 9 * MICROS_PER_HOUR;
/** A year's open hours put end to end, microseconds. */
export const BUSINESS_YEAR_MICROS = BUSINESS_DAYS * BUSINESS_DAY_MICROS;

/** Before the doors open on the first day, microseconds since 1970-01-01. */
export const FOUNDED_AT = FIRST_DAY * MICROS_PER_DAY + 7.75 * MICROS_PER_HOUR;

/**
 * The moment at which the shop has been open for so long.
 *
 * @param elapsed open hours since the first morning, microseconds; what is beyond the year is its last moment
 * @returns microseconds since 1970-01-01 00:00
 */
export function instantAt(elapsed: number): number {
  const within = Math.min(elapsed, BUSINESS_YEAR_MICROS - 1);
  const businessDay = Math.floor(within / BUSINESS_DAY_MICROS);
  const day = FIRST_DAY + Math.floor(businessDay / 5) * 7 + (businessDay % 5);
  return day * MICROS_PER_DAY + OPENS_AT + (within - businessDay * BUSINESS_DAY_MICROS);
}

/** @returns days since 1970-01-01 */
export function dayOf(instant: number): number {
  return Math.floor(instant / MICROS_PER_DAY);
}

/** The day itself, or the Monday after a weekend. Days since 1970-01-01, which was a Thursday. */
export function weekdayFrom(day: number): number {
  const sinceMonday = (day + 3) % 7;
  return sinceMonday < 5 ? day : day + 7 - sinceMonday;
}

/**
 * The bank run of a day: everything that is paid on it is marked at this one moment.
 *
 * @returns microseconds since 1970-01-01 00:00
 */
export function paymentRunOf(day: number): number {
  const afterHours = 16.75 * MICROS_PER_HOUR;
  return (
    day * MICROS_PER_DAY + afterHours + (((day * 7919) % 600_000) * 1000 + (day % 3 === 0 ? day % 1000 : 0))
  );
}

/**
 * When a row of a small table was last edited: at its creation, or for one row in so many at some later
 * moment of the year, in open hours and to the microsecond.
 *
 * @param createdAt microseconds since 1970-01-01
 */
export function editedAt(random: RowRandom, createdAt: number, oneIn: number): number {
  if (!random.oneIn(oneIn)) return createdAt;
  const day = random.below(BUSINESS_YEAR_MICROS / BUSINESS_DAY_MICROS);
  return Math.max(createdAt, instantAt(day * BUSINESS_DAY_MICROS + random.below(4e9) * 8 + random.below(8)));
}

const formattedDays = new Map<number, string>();

/** YYYY-MM-DD of a day since 1970-01-01. */
export function formatDay(day: number): string {
  const known = formattedDays.get(day);
  if (known !== undefined) return known;
  const text = new Date(day * 86_400_000).toISOString().slice(0, 10);
  formattedDays.set(day, text);
  return text;
}
