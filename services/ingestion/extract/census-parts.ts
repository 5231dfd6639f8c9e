import { zstdDecompressSync } from 'node:zlib';
import type { CensusRange } from '../../../shared/census/range.ts';
import {
  formatObjectKey,
  formatSlicePrefix,
  parseKnownKey,
  type RunId,
} from '../../../shared/object-store/object-key.ts';
import { parseIngestedMetadata } from '../../../shared/object-store/object-metadata.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import type { CensusOrder } from '../../../shared/records/plan/extract-message.ts';
import { plannedSliceOf, type SliceId } from '../../../shared/records/plan/slices.ts';

/** The part of the previous census that the keys to be read are compared with. */
export interface PreviousPart {
  run: RunId;
  slice: SliceId;
  range: CensusRange;
  /** The keys as JSON lines. */
  lines: Uint8Array;
  /** The part with the keys behind it; undefined for the last one. */
  next: SliceId | undefined;
}

/** @returns undefined where there is none, or S3 has lost it */
export async function readPreviousPart(
  table: string,
  { previous, from, part }: CensusOrder,
  ingested: Pick<ObjectStore, 'get' | 'list'>,
): Promise<PreviousPart | undefined> {
  if (previous === undefined || (from !== undefined && part === undefined)) return undefined;
  const slices = await listSlices(table, previous, ingested);
  const slice = part ?? slices[0];
  if (slice === undefined) return undefined;
  const key = formatObjectKey({ zone: 'ingested', table, run: previous.run, slice, census: true });
  const stored = await ingested.get(key);
  if (stored === undefined) return undefined;
  const { census } = parseIngestedMetadata(key, stored.metadata);
  const next = slices[slices.indexOf(slice) + 1];
  return {
    run: previous.run,
    slice,
    range: {
      ...(census?.from !== undefined && { from: census.from }),
      ...(census?.to !== undefined && { to: census.to }),
    },
    lines: zstdDecompressSync(stored.body),
    next: census?.to === undefined ? undefined : next,
  };
}

/** In the order of their keys: the lower half of a slice has its name with a 0, the upper one with a 1. */
async function listSlices(
  table: string,
  { run, slice }: { run: RunId; slice: SliceId },
  ingested: Pick<ObjectStore, 'list'>,
): Promise<SliceId[]> {
  const slices: SliceId[] = [];
  const planned = plannedSliceOf(slice);
  for await (const { key: text } of ingested.list(
    formatSlicePrefix({ table, run, slice: planned, census: true }),
  )) {
    const key = parseKnownKey(text);
    if (key?.zone === 'ingested' && plannedSliceOf(key.slice) === planned) slices.push(key.slice);
  }
  return slices.sort();
}
