// From how many keys on a census is taken for a mistake in the source: the limits of its guard.

/** Fewer keys are deleted by hand, too. */
const maxLostKeys = 1000;
const maxLostShare = 0.2;

/**
 * Says why a census is to be held, as a clause.
 *
 * @param lost of the keys
 * @param isWhole whether these are all keys of the table, and not those of a range
 * @param newer how many of them were read after the others, or in the census' own snapshot: perhaps anew, perhaps for the first
 *   time
 * @returns undefined where so many keys may well be deleted
 */
export function describeLoss(
  lost: number,
  keys: number,
  { isWhole, newer = 0 }: { isWhole: boolean; newer?: number },
): string | undefined {
  const isAll = isWhole && lost === keys - newer && lost > newer;
  if (!isAll && (lost <= maxLostKeys || lost <= maxLostShare * keys)) return undefined;
  const which = lost === keys ? `all ${keys}` : `${lost} of ${keys}`;
  return keys === 1 ? 'its only key is gone' : `${which} keys are gone`;
}
