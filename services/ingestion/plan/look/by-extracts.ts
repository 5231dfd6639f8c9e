import {
  formatFailedPrefix,
  formatRunPrefix,
  parseKnownKey,
  type RunId,
} from '../../../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../../../shared/object-store/object-store.ts';
import { addEmpty, listEmptySlices } from '../../../../shared/records/plan/empty-slices.ts';
import { readRunRecord } from '../../../../shared/records/plan/run-record.ts';
import {
  isAccountedFor,
  isSliceId,
  makeKnownSlices,
  plannedSliceOf,
} from '../../../../shared/records/plan/slices.ts';

/** A look at a large table, which the extracts of a run do. */
export interface LookByExtracts {
  /** Each of its slices has an object, a note that nothing was new, or a record of a failure. */
  isOver: boolean;
  /** From the plan to the last of these. */
  seconds: number;
}

/** @throws {TerminalError} the run's record is not what a plan writes */
export async function followLook(
  ingested: Pick<ObjectStore, 'get' | 'list'>,
  { table, run }: { table: string; run: RunId },
): Promise<LookByExtracts> {
  const record = await readRunRecord(ingested, run);
  const slices = record?.slices.filter((slice) => slice.table === table && !slice.byIndex) ?? [];
  const planned = new Set(slices.map(({ slice }) => slice));
  const known = makeKnownSlices();
  let last = 0;
  const note = (putAt: Date) => {
    last = Math.max(last, putAt.getTime());
  };
  for await (const { key, lastModified } of ingested.list(formatRunPrefix(table, run))) {
    const parsed = parseKnownKey(key);
    if (parsed === undefined) continue;
    known.add(table, parsed);
    note(lastModified);
  }
  const failed = formatFailedPrefix(run);
  for await (const { key, lastModified } of ingested.list(failed)) {
    const slice = key.slice(failed.length).replace(/\.json$/, '');
    if (!isSliceId(slice) || !planned.has(plannedSliceOf(slice))) continue;
    known.add(table, { run, slice });
    note(lastModified);
  }
  const empty = [];
  for await (const { slice, putAt } of listEmptySlices(ingested, { run })) {
    if (!planned.has(plannedSliceOf(slice))) continue;
    empty.push({ run, slice });
    note(putAt);
  }
  addEmpty(known, table, empty);
  return {
    isOver: slices.every(({ slice }) => isAccountedFor(known, table, { run, slice })),
    seconds: Math.max(0, (last - Date.parse(record?.plannedAt ?? '')) / 1000) || 0,
  };
}
