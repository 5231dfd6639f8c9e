import { describe, expect, it } from '@jest/globals';
import { formatDuration, formatTime } from '../../../cli/terminal/time.ts';

describe('a time', () => {
  it('is shown to the second, in UTC, with its zone', () => {
    expect(formatTime('2026-11-30T21:05:09.999Z')).toBe('2026-11-30 21:05:09 UTC');
    expect(formatTime(new Date(Date.UTC(2024, 1, 29, 0, 0, 0, 1)))).toBe('2024-02-29 00:00:00 UTC');
  });
});

it.each([
  [40, '40 s'],
  [119, '119 s'],
  [372, '6 min'],
  [7199, '119 min'],
  [7500, '2 h'],
  [86_400, '24 h'],
  [200_000, '2 d'],
])('%d seconds are %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});
