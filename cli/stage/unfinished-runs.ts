import { captureStateKey, runFolder } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import type { CaptureState } from '../../shared/records/capture-state.ts';
import type { PlannedSlice, RunRecord } from '../../shared/records/run-record.ts';
import type { FollowedSlice } from '../../shared/records/slices.ts';

/** What is followed of a run. */
interface FollowedRun extends Pick<RunRecord, 'run' | 'generation'> {
  slices: readonly Pick<PlannedSlice, 'slice' | 'table'>[];
}

/** Runs older than this are left to `starlift status`. */
const lookedBackMs = 3_600_000;
const concurrentReads = 16;

/**
 * The slices of a run, and of those that the schedule has planned within the hour before it: what they found is not
 * new to this run any more, and may be on its way still. A run of an earlier generation is left out, for all of it
 * was planned anew.
 */
export async function listFollowedSlices(
  ingested: Pick<ObjectStore, 'list' | 'get'>,
  planned: FollowedRun,
  now: Date,
): Promise<FollowedSlice[]> {
  const keys: string[] = [];
  for (const hour of [lookedBackMs, 0]) {
    for await (const { key } of ingested.list(`${runFolder}${timeText(now, hour).slice(0, 11)}`)) {
      const run = key.slice(runFolder.length);
      if (run < planned.run && run > timeText(now, lookedBackMs)) keys.push(key);
    }
  }
  const slices = slicesOf(planned);
  for (let start = 0; start < keys.length; start += concurrentReads) {
    const records = await Promise.all(
      keys.slice(start, start + concurrentReads).map((key) => readRecord<RunRecord>(ingested, key)),
    );
    slices.push(...records.filter(({ generation }) => generation === planned.generation).flatMap(slicesOf));
  }
  return slices;
}

/** The generation that the source is captured in now; '0' where there is no state. */
export async function readGeneration(ingested: Pick<ObjectStore, 'get'>): Promise<bigint> {
  const { generation } = await readRecord<CaptureState>(ingested, captureStateKey);
  return /^\d+$/.test(String(generation)) ? BigInt(String(generation)) : 0n;
}

/** As the time in a run's id is written. */
const timeText = (now: Date, backMs: number): string =>
  new Date(now.getTime() - backMs).toISOString().replaceAll(/[-:.]/g, '');

const slicesOf = ({ run, slices }: Partial<Pick<FollowedRun, 'run' | 'slices'>>): FollowedSlice[] =>
  run === undefined ? [] : (slices ?? []).map(({ slice, table }) => ({ run, slice, table }));

/** @returns nothing of the record where there is none */
async function readRecord<Content>(
  ingested: Pick<ObjectStore, 'get'>,
  key: string,
): Promise<Partial<Content>> {
  const object = await ingested.get(key);
  return JSON.parse(Buffer.from(object?.body ?? Buffer.from('{}')).toString()) as Partial<Content>;
}
