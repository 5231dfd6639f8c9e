import type { FollowedSlice } from '../../shared/records/slices.ts';
import { formatCount } from '../format-count.ts';

/** Longer than a function that starts cold, or a message that is tried again. */
const quietMs = 3 * 60_000;

/**
 * Says what a run is waiting for, each time that nothing has come of it for a while. What waits is tried again for
 * hours before it is given up, and somebody watches.
 *
 * @returns a function that is told at every look which slices are left; it gives a sentence, or undefined
 */
export function makeStandstill(
  now: () => number = Date.now,
): (left: readonly FollowedSlice[]) => string | undefined {
  let count: number | undefined;
  let since = now();
  return (left) => {
    if (left.length !== count) {
      count = left.length;
      since = now();
    }
    if (count === 0 || now() - since < quietMs) return undefined;
    since = now();
    const tables = [...new Set(left.map(({ table }) => table))].toSorted().join(', ');
    const slices = count === 1 ? '1 slice' : `${formatCount(count)} slices`;
    return `nothing has come for ${quietMs / 60_000} minutes; ${slices} of ${tables} to go`;
  };
}
