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

/** In the greatest unit that makes two at least: 90 s, 3 min, 47 h, 12 d. */
export function formatDuration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
