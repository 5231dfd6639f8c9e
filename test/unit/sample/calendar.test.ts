import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  BUSINESS_YEAR_MICROS,
  dayOf,
  formatDay,
  instantAt,
  LAST_DAY,
  paymentRunOf,
  weekdayFrom,
} from '../../../models/totesys/sample/calendar.ts';

const dateOf = (instant: number) => new Date(instant / 1000);

describe("the shop's calendar", () => {
  it('opens on Monday 2024-09-02 at 08:30 and ends on Friday 2025-08-29 before 17:30', () => {
    expect(dateOf(instantAt(0)).toISOString()).toBe('2024-09-02T08:30:00.000Z');
    expect(dateOf(instantAt(BUSINESS_YEAR_MICROS - 1)).toISOString()).toBe('2025-08-29T17:29:59.999Z');
    expect(instantAt(BUSINESS_YEAR_MICROS * 2)).toBe(instantAt(BUSINESS_YEAR_MICROS - 1));
    expect(formatDay(LAST_DAY)).toBe('2025-08-29');
  });

  it('is open on weekdays from 08:30 to 17:30 only, and time never runs back', () => {
    const elapsed = fc.integer({ min: 0, max: BUSINESS_YEAR_MICROS - 1 });
    fc.assert(
      fc.property(elapsed, elapsed, (one, other) => {
        const date = dateOf(instantAt(one));
        expect([1, 2, 3, 4, 5]).toContain(date.getUTCDay());
        const minutes = date.getUTCHours() * 60 + date.getUTCMinutes();
        expect(minutes).toBeGreaterThanOrEqual(510);
        expect(minutes).toBeLessThan(1050);
        expect(Math.sign(instantAt(one) - instantAt(other))).toBe(Math.sign(one - other));
      }),
    );
  });

  it('moves a weekend to the Monday after it', () => {
    const epochDay = (text: string) => Date.parse(text) / 86_400_000;
    expect(formatDay(weekdayFrom(epochDay('2025-03-01')))).toBe('2025-03-03');
    expect(formatDay(weekdayFrom(epochDay('2025-03-02')))).toBe('2025-03-03');
    expect(formatDay(weekdayFrom(epochDay('2025-03-04')))).toBe('2025-03-04');
  });

  it('runs payments at one moment of a late afternoon', () => {
    for (let day = LAST_DAY - 400; day <= LAST_DAY; day++) {
      expect(dayOf(paymentRunOf(day))).toBe(day);
      expect([16]).toContain(dateOf(paymentRunOf(day)).getUTCHours());
    }
  });
});
