/**
 * The known name that somebody may have meant: the nearest one, where few letters are wrong, missing, surplus or swapped.
 *
 * @returns undefined where none is near
 */
export function suggest(typed: string, known: readonly string[]): string | undefined {
  const most = Math.max(1, Math.floor(typed.length / 3));
  const near = known
    .map((name) => ({ name, distance: distanceBetween(typed.toLowerCase(), name) }))
    .filter(({ name, distance }) => distance <= most || (typed.length >= 2 && name.startsWith(typed)));
  return near.toSorted((a, b) => a.distance - b.distance)[0]?.name;
}

/** `; did you mean status?`, or nothing. */
export function didYouMean(typed: string, known: readonly string[], prefix = ''): string {
  const name = suggest(typed, known);
  return name === undefined ? '' : `; did you mean ${prefix}${name}?`;
}

/**
 * The optimal string alignment distance.
 *
 * @see https://en.wikipedia.org/wiki/Damerau%E2%80%93Levenshtein_distance
 */
function distanceBetween(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let least = Math.min(
        (previous[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (previous[j - 1] ?? 0) + (isSame ? 0 : 1),
      );
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwapped) least = Math.min(least, (beforePrevious[j - 2] ?? 0) + 1);
      row.push(least);
    }
    beforePrevious = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}
