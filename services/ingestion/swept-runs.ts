import { formatRunId, type RunId, sweptRunsKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { mainRetentionSeconds, planTimeoutSeconds } from '../../shared/queue/queue-settings.ts';
import { listRuns } from './run-record.ts';

/** How far sweeps have looked at the records of runs, of which there is one for every plan that found something. */
export interface SweptRuns {
  version: 1;
  /** The runs up to this one have been looked at. */
  until?: RunId;
  /** Runs of which slices were sent again: they are looked at once more when those messages are gone as well. */
  again: { run: RunId; sentAt: string }[];
}

/** The sweep has 300 s, and asks S3 a dozen times for each run. */
const maxRuns = 500;
/** A plan writes its record, and then sends for as long as it may run. */
const goneAfterMs = 1000 * (mainRetentionSeconds + planTimeoutSeconds);

export async function readSweptRuns(ingested: Pick<ObjectStore, 'get'>): Promise<SweptRuns> {
  const object = await ingested.get(sweptRunsKey);
  if (object === undefined) return { version: 1, again: [] };
  return JSON.parse(Buffer.from(object.body).toString()) as SweptRuns;
}

export const writeSweptRuns = (ingested: Pick<ObjectStore, 'put'>, swept: SweptRuns): Promise<void> =>
  ingested.put(sweptRunsKey, Buffer.from(JSON.stringify(swept)));

/** The runs to look at: none of their messages can be on the queue any more. */
export async function listDueRuns(
  ingested: Pick<ObjectStore, 'list'>,
  { until, again }: SweptRuns,
  now: Date,
): Promise<RunId[]> {
  const gone = new Date(now.getTime() - goneAfterMs);
  const runs = again.filter(({ sentAt }) => Date.parse(sentAt) < gone.getTime()).map(({ run }) => run);
  const last = formatRunId(gone, '0000');
  for await (const run of listRuns(ingested, until)) {
    if (run >= last || runs.length >= maxRuns) break;
    runs.push(run);
  }
  return runs;
}

/**
 * All runs that sweeps have not settled yet, however young they are: for when the queue has lost its messages.
 *
 * @param after the runs up to this one are settled too; undefined when unknown
 */
export async function listUnsettledRuns(
  ingested: Pick<ObjectStore, 'list'>,
  { until, again }: SweptRuns,
  after: RunId | undefined,
): Promise<RunId[]> {
  const runs = again.map(({ run }) => run);
  const last = [until, after].reduce((one, other) => ((one ?? '') > (other ?? '') ? one : other));
  for await (const run of listRuns(ingested, last)) runs.push(run);
  return runs;
}

/** @param sentAt when slices of the run were sent again; undefined where none was */
export function afterLooking(swept: SweptRuns, run: RunId, sentAt: Date | undefined): SweptRuns {
  const others = swept.again.filter((each) => each.run !== run);
  return {
    version: 1,
    until: swept.until === undefined || run > swept.until ? run : swept.until,
    again: sentAt === undefined ? others : [...others, { run, sentAt: sentAt.toISOString() }],
  };
}
