import { dateOfEpochDay } from '../../../shared/model/calendar.ts';
import type { WarehouseType } from '../../../shared/model/define.ts';

/**
 * Distinct values of a column, as `distinctValues` gives them, as Postgres reads them: of a date the days and of a
 * timestamp the microseconds since 1970-01-01 become a date and a timestamp.
 */
export function keyTexts(type: WarehouseType, values: readonly (number | string)[]): string[] {
  switch (type.name) {
    case 'date':
      return values.map((day) => formatDay(Number(day)));
    case 'time':
      return values.map((micros) => formatTime(BigInt(micros)));
    case 'timestamp':
      return values.map((micros) => formatTimestamp(BigInt(micros)));
    case 'timestamptz':
      return values.map((micros) => formatTimestamp(BigInt(micros), '+00'));
    default:
      return values.map(String);
  }
}

const dayMicros = 86_400_000_000n;

/** The ends of 32 and of 64 bits stand for infinity. */
function formatDay(day: number): string {
  if (day === 2 ** 31 - 1) return 'infinity';
  if (day === -(2 ** 31)) return '-infinity';
  const [date, era] = writeDay(day);
  return date + era;
}

function formatTimestamp(micros: bigint, zone = ''): string {
  if (micros === 2n ** 63n - 1n) return 'infinity';
  if (micros === -(2n ** 63n)) return '-infinity';
  const ofDay = ((micros % dayMicros) + dayMicros) % dayMicros;
  const [date, era] = writeDay(Number((micros - ofDay) / dayMicros));
  return `${date} ${formatTime(ofDay)}${zone}${era}`;
}

function formatTime(micros: bigint): string {
  const seconds = micros / 1_000_000n;
  const parts = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n];
  const clock = parts.map((part) => String(part).padStart(2, '0')).join(':');
  return `${clock}.${String(micros % 1_000_000n).padStart(6, '0')}`;
}

/** The year before 1 is 1 BC. */
function writeDay(epochDay: number): [date: string, era: string] {
  const { year, month, day } = dateOfEpochDay(epochDay);
  const written = year > 0 ? year : 1 - year;
  const two = (part: number) => String(part).padStart(2, '0');
  return [`${String(written).padStart(4, '0')}-${two(month)}-${two(day)}`, year > 0 ? '' : ' BC'];
}
