import { formatVerdictKey, type RunId } from '../object-store/object-key.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { parseStateRecord } from '../records/json-record.ts';
import { plannedSliceOf, type SliceId } from '../records/plan/slices.ts';

/** What an operator has decided of a census that was held: its rows are gone indeed, or it is to be forgotten. */
export type Verdict = 'apply' | 'dismiss';

/** A census, or a part of it: what is decided is decided of the whole. */
interface CensusName {
  run: RunId;
  slice: SliceId;
}

export async function putVerdict(
  ingested: Pick<ObjectStore, 'put'>,
  { run, slice }: CensusName,
  verdict: Verdict,
  now: Date,
): Promise<void> {
  const record = { version: 1, verdict, decidedAt: now.toISOString() };
  await ingested.put(formatVerdictKey(run, plannedSliceOf(slice)), Buffer.from(JSON.stringify(record)));
}

/** Counts for every application of the census, in any warehouse. @returns undefined where nobody has decided yet */
export async function readVerdict(
  ingested: Pick<ObjectStore, 'get'>,
  { run, slice }: CensusName,
): Promise<Verdict | undefined> {
  const key = formatVerdictKey(run, plannedSliceOf(slice));
  const object = await ingested.get(key);
  if (object === undefined) return undefined;
  const { verdict } = parseStateRecord(
    key,
    object.body,
    (value) => value.verdict === 'apply' || value.verdict === 'dismiss',
  );
  return verdict as Verdict;
}
