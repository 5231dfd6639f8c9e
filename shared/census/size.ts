import type { SourceField } from '../model/model.ts';

// A census is one object, whose keys a load holds in memory.

/** Of the keys as COPY sends them. */
export const maxCensusCopyBytes = 384 * 2 ** 20;
/** Compressed. */
export const maxCensusBytes = 96 * 2 ** 20;

/** About what a key takes in a COPY, with its delimiter. Of texts nothing is known. */
function bytesOf({ type }: SourceField): number {
  if (type === 'uuid') return 37;
  return ['int2', 'int4', 'int8', 'oid', 'date'].includes(type) ? 11 : 40;
}

/** Digits of neighbouring integers are compressed to a quarter; random digits to a half. */
const compressedShare = 0.5;

/** Whether the keys of a table with so many rows have a place in one census. */
export function fitsCensus(fields: readonly SourceField[], rows: number): boolean {
  const bytes = rows * fields.reduce((sum, field) => sum + bytesOf(field), 0);
  return bytes <= maxCensusCopyBytes && bytes * compressedShare <= maxCensusBytes;
}
