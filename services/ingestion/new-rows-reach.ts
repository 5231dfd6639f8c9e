import type { NewRows } from '../../shared/queue/extract-message.ts';

/** xmin holds 32 bits of an xid, and age() overflows silently 2^31 behind: this is well before. */
const reachXids = 1_000_000_000n;

/**
 * Whether xmin still tells which rows are new, seen from a snapshot with this xmax. Where it does not, all rows
 * are extracted. In 64 bits, for the 32 are what overflows.
 */
export const isWithinReach = (newRows: NewRows, xmax: string): boolean =>
  BigInt(xmax) - BigInt(newRows.since) <= reachXids;
