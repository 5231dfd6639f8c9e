/** A slice that was too large has been cut into halves, and these perhaps again. */
export function isSliceLoaded(slice: string, loaded: ReadonlySet<string>): boolean {
  if (loaded.has(slice)) return true;
  if (![...loaded].some((each) => each.startsWith(`${slice}.`))) return false;
  return isSliceLoaded(`${slice}.0`, loaded) && isSliceLoaded(`${slice}.1`, loaded);
}
