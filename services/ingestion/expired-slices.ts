import { toPipelineError } from '../../shared/classify-error.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import type { ExtractMessage } from '../../shared/queue/extract-message.ts';
import { readCaptureState } from './capture-state.ts';
import { findLostMessages } from './lost-slices.ts';
import { afterLooking, listDueRuns, readSweptRuns, writeSweptRuns } from './swept-runs.ts';

export interface ExpiredSlicesDeps {
  ingested: Pick<ObjectStore, 'get' | 'put' | 'list'>;
  /** Puts the messages on the extract queue. */
  send: (messages: readonly ExtractMessage[]) => Promise<void>;
  now: () => Date;
}

/**
 * Sends the slices again whose messages have expired before anybody took them: the capture state calls their rows
 * captured, and no later plan finds them.
 *
 * Each run is looked at once, as soon as the queue can have none of its messages; and once more, when slices of it
 * were sent again and these messages are gone as well. What is sent needlessly changes nothing.
 *
 * @returns the slices that were sent, as `<run>-<slice>`
 * @throws {TransientError} S3 or SQS does not answer; the next sweep does the rest
 * @throws {TerminalError} a run's record is not what a plan writes
 */
export async function sendExpired(deps: ExpiredSlicesDeps): Promise<string[]> {
  try {
    return await sweepRuns(deps);
  } catch (error) {
    throw toPipelineError(error);
  }
}

async function sweepRuns({ ingested, send, now }: ExpiredSlicesDeps): Promise<string[]> {
  let swept = await readSweptRuns(ingested);
  const runs = await listDueRuns(ingested, swept, now());
  if (runs.length === 0) return [];
  const state = (await readCaptureState(ingested))?.state;
  const sent: ExtractMessage[] = [];
  for (const run of runs) {
    const messages = await findLostMessages(ingested, run, state);
    swept = afterLooking(swept, run, messages.length > 0 ? now() : undefined);
    if (messages.length === 0) continue;
    await send(messages);
    sent.push(...messages);
    // At once: a sweep that runs out of time does not send them once more.
    await writeSweptRuns(ingested, swept);
  }
  await writeSweptRuns(ingested, swept);
  return sent.map(({ run, slice }) => `${run}-${slice}`);
}
