/**
 * A schedule of EventBridge: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
 */
export type Schedule =
  | { kind: 'rate'; seconds: number }
  /** The values that each field takes, in UTC; `days` says which days of a month or of a week. */
  | { kind: 'cron'; minutes: Values; hours: Values; days: (date: Date) => boolean; months: Values };

type Values = ReadonlySet<number>;

const secondsOf: Readonly<Record<string, number>> = { minute: 60, hour: 3600, day: 86_400 };

/**
 * Reads `rate(5 minutes)` or `cron(0/5 8-18 ? * MON-FRI *)`.
 *
 * @throws {Error} it is neither; the message says what is wrong, as the end of a sentence that names the schedule
 */
export function parseSchedule(text: string): Schedule {
  // EventBridge takes the singular with 1, and with 1 only.
  const [, count, unit = '', plural] = /^rate\(([1-9]\d*) (minute|hour|day)(s?)\)$/.exec(text) ?? [];
  if (count !== undefined && (count === '1') === (plural === '')) {
    return { kind: 'rate', seconds: Number(count) * (secondsOf[unit] ?? 0) };
  }
  const [, expression] = /^cron\(([^()]+)\)$/.exec(text) ?? [];
  if (expression === undefined) throw new Error('is not like rate(5 minutes) or cron(0/5 * * * ? *)');
  return parseCron(expression.trim().split(/\s+/));
}

function parseCron(fields: readonly string[]): Schedule {
  const [minutes, hours, dayOfMonth, month, dayOfWeek, year] = fields;
  if (fields.length !== 6 || year === undefined) {
    const count = fields.length === 1 ? '1 field' : `${fields.length} fields`;
    throw new Error(
      `has ${count}, and EventBridge's cron takes 6: minutes, hours, day of month, month, day of week, year`,
    );
  }
  if (year !== '*') throw new Error(`names the year ${year}: a pipeline has no last year, write *`);
  if ((dayOfMonth === '?') === (dayOfWeek === '?')) {
    throw new Error('needs ? as exactly one of day of month (the 3rd field) and day of week (the 5th)');
  }
  const weekdays = dayOfWeek === '?' ? undefined : parseField('day of week', dayOfWeek ?? '', 1, 7, dayNames);
  const monthDays = dayOfMonth === '?' ? undefined : parseField('day of month', dayOfMonth ?? '', 1, 31);
  return {
    kind: 'cron',
    minutes: parseField('minutes', minutes ?? '', 0, 59),
    hours: parseField('hours', hours ?? '', 0, 23),
    months: parseField('month', month ?? '', 1, 12, monthNames),
    // EventBridge counts the days of a week from Sunday, which is 1.
    days: (date) => weekdays?.has(date.getUTCDay() + 1) ?? monthDays?.has(date.getUTCDate()) ?? false,
  };
}

const dayNames = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const monthNames = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];

function parseField(
  name: string,
  text: string,
  least: number,
  greatest: number,
  names: readonly string[] = [],
): Values {
  const fault = () => new Error(`has ${JSON.stringify(text)} for ${name}: expected ${least} to ${greatest}`);
  const readWord = (word: string): number => {
    const named = names.indexOf(word.toUpperCase());
    const value = named >= 0 ? named + least : /^\d{1,2}$/.test(word) ? Number(word) : Number.NaN;
    if (!(value >= least && value <= greatest)) throw fault();
    return value;
  };
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const [range = '', step, ...rest] = part.split('/');
    const [from = '', to, ...more] = range.split('-');
    if (rest.length > 0 || more.length > 0) throw fault();
    const start = from === '*' ? least : readWord(from);
    const end = to !== undefined ? readWord(to) : from === '*' || step !== undefined ? greatest : start;
    const every = step === undefined ? 1 : Number(step);
    if (!(Number.isInteger(every) && every > 0) || end < start) throw fault();
    for (let value = start; value <= end; value += every) values.add(value);
  }
  return values;
}

/**
 * The first time after an instant at which a cron schedule is due.
 *
 * @throws {Error} it is not due within two years
 */
export function findNextDue(schedule: Schedule & { kind: 'cron' }, after: Date): Date {
  const next = new Date(after);
  next.setUTCSeconds(0, 0);
  next.setUTCMinutes(next.getUTCMinutes() + 1);
  const end = after.getTime() + 2 * 366 * 86_400_000;
  while (next.getTime() <= end) {
    if (!schedule.months.has(next.getUTCMonth() + 1) || !schedule.days(next)) {
      next.setUTCHours(24, 0, 0, 0);
    } else if (!schedule.hours.has(next.getUTCHours())) {
      next.setUTCHours(next.getUTCHours() + 1, 0, 0, 0);
    } else if (!schedule.minutes.has(next.getUTCMinutes())) {
      next.setUTCMinutes(next.getUTCMinutes() + 1);
    } else return next;
  }
  throw new Error('is never due');
}

/**
 * The shortest and the longest time between two runs of a schedule, in seconds.
 *
 * @throws {Error} it is never due, or pauses for longer than the 60 days that are looked at
 */
export function findIntervals(schedule: Schedule): { shortest: number; longest: number } {
  if (schedule.kind === 'rate') return { shortest: schedule.seconds, longest: schedule.seconds };
  let [shortest, longest] = [Number.POSITIVE_INFINITY, 0];
  // Two whole months of any year, so that every day of a month and of a week is in it.
  let due = findNextDue(schedule, new Date('2026-01-01T00:00:00Z'));
  const end = due.getTime() + 60 * 86_400_000;
  while (due.getTime() < end) {
    const next = findNextDue(schedule, due);
    const seconds = (next.getTime() - due.getTime()) / 1000;
    shortest = Math.min(shortest, seconds);
    longest = Math.max(longest, seconds);
    due = next;
  }
  return { shortest, longest };
}

/**
 * How late the warehouse is, where it has all of the source as of an instant. Under a cron schedule that counts from the
 * first plan that was due after the instant: at night, when none is due, nothing is late.
 *
 * @param schedule the plans'; undefined: the age itself counts
 */
export function lateSeconds(asOf: Date, now: Date, schedule: Schedule | undefined): number {
  const since = schedule?.kind === 'cron' ? findNextDue(schedule, asOf) : asOf;
  return Math.max(0, (now.getTime() - since.getTime()) / 1000);
}
