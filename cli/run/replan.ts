/** Longer than a slice is on its way, and before a message is tried for the third time, 12 s after the first. */
const firstQuietMs = 5_000;

/**
 * Says when to plan once more in the middle of a run: where no message has come or gone for a while, each time twice as
 * long.
 *
 * A stage's schedule plans every few minutes, whatever else goes on. What was planned on a source that has become
 * another server since, as by a restart, waits for that plan: without one, all of it would be dead-lettered.
 *
 * @param count the messages that are in the queues
 */
export function makeReplan(count: () => number, now: () => number = Date.now): () => boolean {
  let counted = count();
  let since = now();
  let quietMs = firstQuietMs;
  return () => {
    const current = count();
    if (current !== counted) {
      counted = current;
      since = now();
    }
    if (now() - since < quietMs) return false;
    since = now();
    quietMs *= 2;
    return true;
  };
}
