import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { calendarRow, dateOfEpochDay, epochDayOf } from '../../../shared/model/calendar.ts';

describe('calendarRow', () => {
  it('names a leap day as the calendar on the wall does', () => {
    expect(calendarRow(epochDayOf(2024, 2, 29))).toEqual({
      date_id: 19782,
      year: 2024,
      month: 2,
      day: 29,
      day_of_week: 4,
      day_name: 'Thursday',
      month_name: 'February',
      quarter: 1,
    });
  });

  it('agrees with the JavaScript clock on every day of the years 1 to 9999', () => {
    fc.assert(
      fc.property(fc.integer({ min: -719162, max: 2932896 }), (epochDay) => {
        const clock = new Date(epochDay * 86_400_000);
        const row = calendarRow(epochDay);
        expect(row.year).toBe(clock.getUTCFullYear());
        expect(row.month).toBe(clock.getUTCMonth() + 1);
        expect(row.day).toBe(clock.getUTCDate());
        expect(row.day_of_week % 7).toBe(clock.getUTCDay());
        expect(row.day_name).toBe(clock.toLocaleDateString('en-GB', { weekday: 'long', timeZone: 'UTC' }));
        expect(row.month_name).toBe(clock.toLocaleDateString('en-GB', { month: 'long', timeZone: 'UTC' }));
        const { year, month, day } = dateOfEpochDay(epochDay);
        expect(epochDayOf(year, month, day)).toBe(epochDay);
      }),
    );
  });
});
