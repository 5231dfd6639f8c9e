// Dates, times and timestamps as an extract writes them: Postgres' ISO text, with a T before a timestamp's time.

import { dateOfEpochDay, epochDayOf } from '../../../shared/model/calendar.ts';

/** The days that stand for infinity and -infinity, in Postgres as in the zones. */
export const infiniteDays = { infinity: 2 ** 31 - 1, '-infinity': -(2 ** 31) } as const;

/** The same of microseconds. */
export const infiniteMicros = { infinity: 2n ** 63n - 1n, '-infinity': -(2n ** 63n) } as const;

export type Infinite = keyof typeof infiniteDays;

export const isInfinite = (text: string): text is Infinite => text === 'infinity' || text === '-infinity';

/** Days since 1970-01-01, or undefined for a text that is not a day of the years 1 to 9999. */
export function parseCalendarDay(text: string): number | undefined {
  return /^\d{4}-\d\d-\d\d$/.test(text) ? parseDay(text) : undefined;
}

/**
 * Days since 1970-01-01 of a finite date of any year; undefined for a text that is no such date.
 *
 * @example parseDay('0044-03-15 BC')
 */
export function parseDay(text: string): number | undefined {
  const match = /^(\d{4,7})-(\d\d)-(\d\d)( BC)?$/.exec(text);
  if (match === null) return undefined;
  const [written = 0, month = 0, day = 0] = match.slice(1, 4).map(Number);
  // The year before 1 is 1 BC.
  const year = match[4] === undefined ? written : 1 - written;
  if (written < 1 || month < 1 || month > 12 || day < 1) return undefined;
  const epochDay = epochDayOf(year, month, day);
  if (Math.abs(epochDay) >= infiniteDays.infinity) return undefined;
  return dateOfEpochDay(epochDay).day === day ? epochDay : undefined;
}

/** Microseconds since midnight, or undefined for a text that is not a time of day; 24:00:00 is one. */
export function parseTime(text: string): number | undefined {
  if (/^24:00:00(\.0{1,6})?$/.test(text)) return 86_400_000_000;
  const match = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/.exec(text);
  if (match === null) return undefined;
  const [hours = 0, minutes = 0, seconds = 0] = match.slice(1, 4).map(Number);
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + Number((match[4] ?? '').padEnd(6, '0'));
}

export interface Moment {
  /** Days since 1970-01-01. */
  day: number;
  /** Microseconds since midnight. */
  micros: number;
}

/** Of a finite timestamp: in UTC, if it has a zone; undefined for a text that is none. */
export function parseTimestamp(text: string, isZoned: boolean): Moment | undefined {
  const zone = isZoned ? '\\+00:00' : '';
  const match = new RegExp(`^(\\d{4,6}-\\d\\d-\\d\\d)T([0-9:.]{8,15})${zone}( BC)?$`).exec(text);
  if (match === null) return undefined;
  const [, date = '', time = '', era = ''] = match;
  const day = parseDay(date + era);
  const micros = parseTime(time);
  if (day === undefined || micros === undefined || time.startsWith('24')) return undefined;
  return { day, micros };
}

/** Why a date cannot be in the warehouse's calendar, which has the years 1 to 9999. */
export function outsideCalendar(text: string): string | undefined {
  if (isInfinite(text)) return 'is infinite';
  if (/^\d{4,}-.* BC$/.test(text)) return 'is before the year 1';
  if (/^\d{5,}-/.test(text)) return 'is after the year 9999';
  return undefined;
}
