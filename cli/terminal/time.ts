/**
 * An instant as every command shows it: to the second, in UTC, with its zone.
 *
 * @param time a Date, or ISO 8601 text in UTC
 * @example
 * formatTime('2026-11-30T21:05:09.123Z') // '2026-11-30 21:05:09 UTC'
 */
export function formatTime(time: Date | string): string {
  const iso = typeof time === 'string' ? time : time.toISOString();
  return `${iso.slice(0, 19).replace('T', ' ')} UTC`;
}
