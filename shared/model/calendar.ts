/** A row of dim_date. */
export interface CalendarRow {
  /** Days since 1970-01-01. */
  date_id: number;
  year: number;
  month: number;
  day: number;
  /** ISO: Monday 1 to Sunday 7. */
  day_of_week: number;
  day_name: string;
  month_name: string;
  quarter: number;
}

/** The type of each column that `calendarRow` fills. */
export const calendarTypes: Record<keyof CalendarRow, 'date' | 'int' | 'varchar'> = {
  date_id: 'date',
  year: 'int',
  month: 'int',
  day: 'int',
  day_of_week: 'int',
  day_name: 'varchar',
  month_name: 'varchar',
  quarter: 'int',
};

const dayNames = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;
const monthNames = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;

/**
 * The row of dim_date for a day: transform and load make theirs with this one function.
 *
 * @param epochDay days since 1970-01-01, as in Arrow's date32, within years 1 to 9999
 */
export function calendarRow(epochDay: number): CalendarRow {
  const { year, month, day } = dateOfEpochDay(epochDay);
  // 1970-01-01 was a Thursday, day 4 of the ISO week.
  const dayOfWeek = ((((epochDay + 3) % 7) + 7) % 7) + 1;
  return {
    date_id: epochDay,
    year,
    month,
    day,
    day_of_week: dayOfWeek,
    day_name: dayNames[dayOfWeek - 1] ?? '',
    month_name: monthNames[month - 1] ?? '',
    quarter: Math.ceil(month / 3),
  };
}

/**
 * Days since 1970-01-01 of a date in the proleptic Gregorian calendar, the one that Postgres uses.
 *
 * @see https://howardhinnant.github.io/date_algorithms.html (days_from_civil)
 */
export function epochDayOf(year: number, month: number, day: number): number {
  const shiftedYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(shiftedYear / 400);
  const yearOfEra = shiftedYear - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146097 + dayOfEra - 719468;
}

/** The inverse of `epochDayOf`. */
export function dateOfEpochDay(epochDay: number): { year: number; month: number; day: number } {
  const shifted = epochDay + 719468;
  const era = Math.floor(shifted / 146097);
  const dayOfEra = shifted - era * 146097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}
