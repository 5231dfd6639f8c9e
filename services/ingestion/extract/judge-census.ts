import { zstdDecompressSync } from 'node:zlib';
import { describeLoss } from '../../../shared/census/loss.ts';
import { type CensusRange, isSameBound } from '../../../shared/census/range.ts';
import type { PreviousPart } from './census-parts.ts';

/** Whether a key of the source, as the lines have it, is below a bound. */
export type IsBelow = (key: ReadonlyMap<string, string>, bound: readonly string[]) => Promise<boolean>;

/**
 * Judges a census once, by the source alone: a table that somebody has emptied by mistake must not take the warehouse's rows
 * along. Judged by the warehouse's rows, the verdict would depend on what was loaded by then.
 *
 * @param keys the census' lines, compressed, and their range
 * @param previous the part of the last census that was not held; it may reach further than the range
 * @returns whether there was something to compare with, and why the census is to be held, as a clause
 */
export async function judgeCensus(
  { keys, range }: { keys: Uint8Array; range: CensusRange },
  previous: PreviousPart | undefined,
  isBelow: IsBelow,
): Promise<{ isCompared: boolean; held: string | undefined }> {
  const now = zstdDecompressSync(keys);
  // Of another model, with another key: no line is equal.
  if (previous === undefined || !haveSameFields(previous.lines, now))
    return { isCompared: false, held: undefined };
  const known = hashLines(await linesWithin(previous, range, isBelow));
  const lost = countMissing(known, hashLines(now));
  const isWhole = range.from === undefined && range.to === undefined;
  return { isCompared: true, held: describeLoss(lost, known.length, { isWhole }) };
}

/** The lines are in the order of their keys. */
async function linesWithin(
  { lines, range }: PreviousPart,
  wanted: CensusRange,
  isBelow: IsBelow,
): Promise<Uint8Array> {
  if (isSameBound(range.from, wanted.from) && isSameBound(range.to, wanted.to)) return lines;
  const end = wanted.to === undefined ? lines.length : await findLine(lines, wanted.to, isBelow);
  const start = wanted.from === undefined ? 0 : await findLine(lines, wanted.from, isBelow);
  return lines.subarray(Math.min(start, end), end);
}

/** @returns where the first line begins whose key is not below the bound */
async function findLine(lines: Uint8Array, bound: readonly string[], isBelow: IsBelow): Promise<number> {
  let [start, end] = [0, lines.length];
  while (start < end) {
    const middle = lineStart(lines, Math.floor((start + end) / 2));
    const next = lines.indexOf(newline, middle) + 1;
    if (await isBelow(parseKey(lines.subarray(middle, next - 1)), bound)) start = next;
    else end = middle;
  }
  return start;
}

const lineStart = (lines: Uint8Array, at: number): number =>
  at === 0 ? 0 : lines.lastIndexOf(newline, at - 1) + 1;

/** Numbers as they are written: they may have more digits than a double. */
function parseKey(line: Uint8Array): Map<string, string> {
  const texts = new Map<string, string>();
  const members = /("(?:[^"\\]|\\.)*"):("(?:[^"\\]|\\.)*"|[^,}]+)/g;
  for (const [, name = '""', value = ''] of Buffer.from(line).toString().matchAll(members))
    texts.set(JSON.parse(name) as string, value.startsWith('"') ? (JSON.parse(value) as string) : value);
  return texts;
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
