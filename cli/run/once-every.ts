/**
 * Limits work to once in each period: a call before the period is over does nothing.
 *
 * @param first `at once`: the first call works; `after a period`: only a call a period from now does
 * @param now milliseconds
 * @example
 * const note = onceEvery(60_000, (run: string) => writeNote(run), { first: 'at once' });
 */
export function onceEvery<Arguments extends unknown[], Result>(
  periodMs: number,
  work: (...given: Arguments) => Result,
  { first, now = () => performance.now() }: { first: 'at once' | 'after a period'; now?: () => number },
): (...given: Arguments) => Result | undefined {
  let dueAt = first === 'at once' ? Number.NEGATIVE_INFINITY : now() + periodMs;
  return (...given) => {
    if (now() < dueAt) return undefined;
    dueAt = now() + periodMs;
    return work(...given);
  };
}
