import type { SourceField } from '../model/model.ts';

// An object of a census: its keys are in a load's memory.

/** Of the keys as COPY sends them. */
export const maxCensusCopyBytes = 192 * 2 ** 20;
/** Compressed. */
export const maxCensusBytes = 48 * 2 ** 20;

/** About what a key takes in a COPY, with its delimiter. Of texts nothing is known. */
function bytesOf({ type }: SourceField): number {
  if (type === 'uuid') return 37;
  return ['int2', 'int4', 'int8', 'oid', 'date'].includes(type) ? 11 : 40;
}

/** Digits of neighbouring integers are compressed to a quarter; random digits to a half. */
const compressedShare = 0.5;

export interface CensusLimits {
  maxCopyBytes: number;
  maxBytes: number;
}

const usual: CensusLimits = { maxCopyBytes: maxCensusCopyBytes, maxBytes: maxCensusBytes };

/** How many keys have a place in one object, about. */
export function keysOfObject(
  fields: readonly SourceField[],
  { maxCopyBytes, maxBytes }: CensusLimits = usual,
): number {
  const bytes = fields.reduce((sum, field) => sum + bytesOf(field), 0);
  return Math.floor(Math.min(maxCopyBytes, maxBytes / compressedShare) / bytes);
}
