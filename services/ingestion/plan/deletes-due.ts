/** What the source says of the deletes of tables. */
export interface CountedDeletes {
  /** While it is the same, none is known to be new. */
  noted: string;
  /** Of updates, among which keys may have changed. */
  updates?: string;
}

/** Without another reason deletes are looked for once a day: counters may hide one for as long as they like. */
const daySeconds = 24 * 3600;
/** Few updates are of keys, and to look after each run that has seen some would cost more than the run. */
const updatesRestSeconds = 900;

/**
 * Decides whether a plan looks for deletes: for keys that are gone, or for rows that have lost what they were joined to.
 *
 * @param last what was counted before the last time, and when that was, ISO 8601
 * @param restSeconds how long after the last time at the earliest
 */
export function areDeletesDue(
  last: (CountedDeletes & { at: string }) | undefined,
  counted: CountedDeletes,
  { now, restSeconds }: { now: Date; restSeconds: number },
): boolean {
  if (last === undefined) return true;
  const ageSeconds = (now.getTime() - Date.parse(last.at)) / 1000;
  // A clock that was set back would put it off for as long.
  if (ageSeconds < 0) return true;
  if (ageSeconds < restSeconds) return false;
  if (last.noted !== counted.noted || ageSeconds >= daySeconds) return true;
  return last.updates !== counted.updates && ageSeconds >= updatesRestSeconds;
}
