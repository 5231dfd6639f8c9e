import { describe, expect, it } from '@jest/globals';
import { findIntervals, findNextDue, lateSeconds, parseSchedule } from '../../../shared/schedule.ts';

const cron = (text: string) => {
  const schedule = parseSchedule(text);
  if (schedule.kind !== 'cron') throw new Error(`${text} is a rate`);
  return schedule;
};
const nextAfter = (text: string, after: string) => findNextDue(cron(text), new Date(after)).toISOString();
const hour = 3600;

describe('a schedule of EventBridge', () => {
  // The examples of https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
  it.each([
    ['cron(15 12 * * ? *)', '2026-11-30T12:15:00Z', '2026-12-01T12:15:00.000Z'],
    ['cron(0 18 ? * MON-FRI *)', '2026-11-27T18:00:00Z', '2026-11-30T18:00:00.000Z'],
    ['cron(0 8 1 * ? *)', '2026-11-02T00:00:00Z', '2026-12-01T08:00:00.000Z'],
    ['cron(0/15 * * * ? *)', '2026-11-30T10:15:30Z', '2026-11-30T10:30:00.000Z'],
    ['cron(0/5 8-17 ? * MON-FRI *)', '2026-11-27T17:55:00Z', '2026-11-30T08:00:00.000Z'],
    ['cron(0 9 ? JAN,MAR 2 *)', '2026-01-31T00:00:00Z', '2026-03-02T09:00:00.000Z'],
  ])('%s is due after %s at %s', (text, after, expected) => {
    expect(nextAfter(text, after)).toBe(expected);
  });

  it.each([
    ['rate(1 minute)', 60, 60],
    ['rate(2 days)', 48 * hour, 48 * hour],
    ['cron(0/5 * * * ? *)', 300, 300],
    // From Friday 17:55 to Monday 8:00.
    ['cron(0/5 8-17 ? * MON-FRI *)', 300, 62 * hour + 300],
    ['cron(0 8,9 * * ? *)', hour, 23 * hour],
  ])('%s runs every %i to %i seconds', (text, shortest, longest) => {
    expect(findIntervals(parseSchedule(text))).toEqual({ shortest, longest });
  });

  it.each([
    ['rate(5 minute)', 'is not like'],
    ['rate(1 hours)', 'is not like'],
    ['cron(0/5 * * * *)', "has 5 fields, and EventBridge's cron takes 6"],
    ['cron(0/5 * * * * *)', 'needs ? as exactly one of'],
    ['cron(0/5 * ? * ? *)', 'needs ? as exactly one of'],
    ['cron(61 * * * ? *)', 'has "61" for minutes: expected 0 to 59'],
    ['cron(0/0 * * * ? *)', 'has "0/0" for minutes'],
    ['cron(0 8 L * ? *)', 'has "L" for day of month'],
    ['cron(0 8 ? * 0 *)', 'has "0" for day of week: expected 1 to 7'],
    ['cron(0 8 * * ? 2026)', 'names the year 2026'],
  ])('%s is refused: it %s', (text, fault) => {
    expect(() => parseSchedule(text)).toThrow(fault);
  });

  it('nothing is late at night, and the age counts where the schedule is a rate', () => {
    const asOf = new Date('2026-11-27T17:55:04Z');
    const office = parseSchedule('cron(0/5 8-17 ? * MON-FRI *)');
    expect(lateSeconds(asOf, new Date('2026-11-29T12:00:00Z'), office)).toBe(0);
    expect(lateSeconds(asOf, new Date('2026-11-30T08:20:00Z'), office)).toBe(20 * 60);
    expect(lateSeconds(asOf, new Date('2026-11-27T18:05:04Z'), parseSchedule('rate(5 minutes)'))).toBe(600);
    expect(lateSeconds(asOf, new Date('2026-11-27T18:05:04Z'), undefined)).toBe(600);
  });
});
