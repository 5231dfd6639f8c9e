import { toPipelineError } from '../../../shared/classify-error.ts';
import { formatRunId, type RunId, sweptRunsKey } from '../../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import { mainRetentionSeconds, planTimeoutSeconds } from '../../../shared/queue/queue-settings.ts';
import { readCaptureState } from '../../../shared/records/capture-state.ts';
import type { ExtractMessage } from '../../../shared/records/extract-message.ts';
import { listRuns } from '../../../shared/records/run-record.ts';
import { findLostMessages } from './lost-slices.ts';

export interface ExpiredSlicesDeps {
  ingested: Pick<ObjectStore, 'get' | 'put' | 'list'>;
  /** Puts the messages on the extract queue. */
  send: (messages: readonly ExtractMessage[]) => Promise<void>;
  now: () => Date;
}

/**
 * Sends slices again whose messages expired before any extract took them: the capture state calls their rows captured,
 * so no later plan finds them.
 *
 * A sweep looks at each run once, as soon as the queue can hold none of its messages; and once more after slices of it
 * were sent again, when those messages are gone as well. A message that is sent needlessly changes nothing.
 *
 * @returns the slices that were sent, as `<run>-<slice>`
 * @throws {TransientError} S3 or SQS does not answer; the next sweep does the rest
 * @throws {TerminalError} a run's record is not what a plan writes
 */
export async function resendExpiredSlices({ ingested, send, now }: ExpiredSlicesDeps): Promise<string[]> {
  try {
    let swept = await readSweptRuns(ingested);
    const runs = await listDueRuns(ingested, swept, now());
    if (runs.length === 0) return [];
    const state = (await readCaptureState(ingested))?.state;
    const sent: ExtractMessage[] = [];
    for (const run of runs) {
      const messages = await findLostMessages(ingested, run, state);
      swept = markSwept(swept, run, messages.length > 0 ? now() : undefined);
      if (messages.length === 0) continue;
      await send(messages);
      sent.push(...messages);
      // Written for each run, so that a sweep that runs out of time does not send its slices once more.
      await writeSweptRuns(ingested, swept);
    }
    await writeSweptRuns(ingested, swept);
    return sent.map(({ run, slice }) => `${run}-${slice}`);
  } catch (error) {
    throw toPipelineError(error);
  }
}

/** The content of `state/swept-runs.json`: which records of runs sweeps have looked at. */
export interface SweptRuns {
  version: 1;
  /** Sweeps have looked at the runs up to this one. */
  until?: RunId;
  /** Runs whose slices were sent again: a sweep looks at them once more when those messages are gone as well. */
  again: { run: RunId; sentAt: string }[];
}

/** A sweep asks S3 a dozen times for each run, and its function has a time limit. */
const maxRuns = 500;
/** A plan writes its record first, and may go on sending until its function times out. */
const goneAfterMs = 1000 * (mainRetentionSeconds + planTimeoutSeconds);

export async function readSweptRuns(ingested: Pick<ObjectStore, 'get'>): Promise<SweptRuns> {
  const object = await ingested.get(sweptRunsKey);
  if (object === undefined) return { version: 1, again: [] };
  return JSON.parse(Buffer.from(object.body).toString()) as SweptRuns;
}

const writeSweptRuns = (ingested: Pick<ObjectStore, 'put'>, swept: SweptRuns): Promise<void> =>
  ingested.put(sweptRunsKey, Buffer.from(JSON.stringify(swept)));

/** The runs to look at: the queue can no longer hold any of their messages. */
async function listDueRuns(
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
 * All runs that sweeps have not settled yet, of any age: for when the queue has lost its messages.
 *
 * @param after the runs up to this one are settled as well; undefined when unknown
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

/** @param sentAt when slices of the run were sent again; undefined when none were */
function markSwept(swept: SweptRuns, run: RunId, sentAt: Date | undefined): SweptRuns {
  const others = swept.again.filter((each) => each.run !== run);
  return {
    version: 1,
    until: swept.until === undefined || run > swept.until ? run : swept.until,
    again: sentAt === undefined ? others : [...others, { run, sentAt: sentAt.toISOString() }],
  };
}
