/** A slice's number within its run; a slice that was cut in two has the halves `<slice>.0` and `<slice>.1`. */
export type SliceId = string;

/** A slice that is followed to its end. */
export interface FollowedSlice {
  run: string;
  slice: SliceId;
  /** The source table. */
  table: string;
  /** It is a census: it has keys, and no days of the calendar. */
  census?: true;
}

/** A set of slices by table, such as those that are loaded or ingested, or have failed permanently. */
export interface KnownSlices {
  add(table: string, slice: Omit<FollowedSlice, 'table'>): void;
  has(table: string, slice: Omit<FollowedSlice, 'table'>): boolean;
  /** Whether a part of the slice is known: it was cut in two, and perhaps a half was cut again. */
  hasPart(slice: Omit<FollowedSlice, 'table'>): boolean;
}

/** Makes an empty set of slices. */
export function makeKnownSlices(): KnownSlices {
  const known = new Set<string>();
  const cut = new Set<string>();
  return {
    add: (table, { run, slice }) => {
      known.add(`${table} ${run}-${slice}`);
      for (let end = slice.lastIndexOf('.'); end > 0; end = slice.lastIndexOf('.', end - 1)) {
        cut.add(`${run}-${slice.slice(0, end)}`);
      }
    },
    has: (table, { run, slice }) => known.has(`${table} ${run}-${slice}`),
    hasPart: ({ run, slice }) => cut.has(`${run}-${slice}`),
  };
}

/** Whether a slice is accounted for. One that was cut is its two halves, and both must be. */
export function isAccountedFor(
  known: Pick<KnownSlices, 'has' | 'hasPart'>,
  table: string,
  { run, slice }: Omit<FollowedSlice, 'table'>,
): boolean {
  if (known.has(table, { run, slice })) return true;
  if (!known.hasPart({ run, slice })) return false;
  return halvesOf(slice).every((half) => isAccountedFor(known, table, { run, slice: half }));
}

/** @param number from 0 */
export const formatSliceId = (number: number): SliceId => String(number).padStart(4, '0');

/** The source of a regular expression, for keys that contain a slice's id. */
export const sliceIdPattern = '\\d{4,}(\\.[01])*';

const wholeSliceId = new RegExp(`^${sliceIdPattern}$`);

export const isSliceId = (text: string): boolean => wholeSliceId.test(text);

/** The two parts of a slice that is cut. */
export const halvesOf = (slice: SliceId): [SliceId, SliceId] => [`${slice}.0`, `${slice}.1`];

/** The slice as it was planned, of which this one may be a part. */
export const plannedSliceOf = (slice: SliceId): SliceId => slice.split('.')[0] ?? '';
