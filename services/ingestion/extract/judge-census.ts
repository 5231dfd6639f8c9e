import { zstdDecompressSync } from 'node:zlib';
import { describeLoss } from '../../../shared/census/loss.ts';
import { formatObjectKey } from '../../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import type { CensusOrder } from '../../../shared/records/plan/extract-message.ts';

export interface Judgement {
  /** The run that it was judged against; undefined where there is nothing to compare with. */
  previous: string | undefined;
  /** Why it is to be held, as a clause. */
  held: string | undefined;
}

/**
 * Judges a census once, by the source alone: a table that somebody has emptied by mistake must not take the warehouse's rows
 * along. Judged by the warehouse's rows, the verdict would depend on what was loaded by then.
 *
 * @param keys the census' lines, compressed
 */
export async function judgeCensus(
  { table, keys }: { table: string; keys: Uint8Array },
  { previous }: CensusOrder,
  ingested: Pick<ObjectStore, 'get'>,
): Promise<Judgement> {
  const stored =
    previous && (await ingested.get(formatObjectKey({ zone: 'ingested', table, ...previous, census: true })));
  if (previous === undefined || stored === undefined) return { previous: undefined, held: undefined };
  const [before, now] = [zstdDecompressSync(stored.body), zstdDecompressSync(keys)];
  // Of another model, with another key: no line is equal.
  if (!haveSameFields(before, now)) return { previous: undefined, held: undefined };
  const known = hashLines(before);
  const lost = countMissing(known, hashLines(now));
  return { previous: previous.run, held: describeLoss(lost, known.length) };
}

const newline = 0x0a;

/** What stands before the first value: an empty census has it not, and is compared. */
function haveSameFields(before: Uint8Array, now: Uint8Array): boolean {
  if (before.length === 0 || now.length === 0) return true;
  return fieldsOf(before) === fieldsOf(now);
}

const fieldsOf = (lines: Uint8Array): string => {
  const end = lines.indexOf(newline);
  const first = Buffer.from(lines.subarray(0, end < 0 ? lines.length : end)).toString();
  return JSON.stringify(Object.keys(JSON.parse(first) as object));
};

/**
 * A number for each line, in ascending order. Two lines of millions have the same one about once in a thousand censuses, and
 * then one lost key is not counted.
 */
function hashLines(lines: Uint8Array): Float64Array {
  let count = 0;
  for (let at = lines.indexOf(newline); at >= 0; at = lines.indexOf(newline, at + 1)) count++;
  const hashes = new Float64Array(count);
  let line = 0;
  // FNV-1a, twice, of 32 and of 21 bits: what a number holds exactly.
  let high = 0x811c9dc5;
  let low = 0x050c5d1f;
  for (let at = 0; at < lines.length; at++) {
    const byte = lines[at] as number;
    if (byte !== newline) {
      high = Math.imul(high ^ byte, 0x01000193);
      low = Math.imul(low ^ byte, 0x01000197);
      continue;
    }
    hashes[line++] = (high >>> 0) * 2 ** 21 + (low >>> 11);
    high = 0x811c9dc5;
    low = 0x050c5d1f;
  }
  return hashes.sort();
}

function countMissing(before: Float64Array, now: Float64Array): number {
  let missing = 0;
  let at = 0;
  for (const hash of before) {
    while (at < now.length && (now[at] as number) < hash) at++;
    if (now[at] !== hash) missing++;
  }
  return missing;
}
