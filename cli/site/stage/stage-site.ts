import { setTimeout as delay } from 'node:timers/promises';
import { InvokeCommand, type LambdaClient, TooManyRequestsException } from '@aws-sdk/client-lambda';
import type pg from 'pg';
import { TransientError } from '../../../shared/errors.ts';
import { canReadAll } from '../../../shared/ledger/can-read-all.ts';
import { countWaiting } from '../../../shared/ledger/count-waiting.ts';
import { planTimeoutSeconds } from '../../../shared/queue/queue-settings.ts';
import type { PlannedRun } from '../../../shared/records/plan/run-record.ts';
import type { FollowedSlice } from '../../../shared/records/plan/slices.ts';
import { InvocationError } from '../../embedded/workers/invocation-error.ts';
import { formatCount } from '../../terminal/wording.ts';
import { countLoaded, hasLedger, readClock } from '../ledger.ts';
import { commandFor, type RunnableSite } from '../site.ts';
import { type FollowDeps, followSlices, listFollowedSlices, readGeneration } from './follow-slices.ts';
import type { OpenedStage } from './open-stage.ts';

const lookEveryMs = 1000;
/** How many looks pass from one request for failures to the next. */
const looksBetweenFailures = 4;

export interface StageRunDeps {
  /** The plan looks at every table. */
  isExact?: boolean;
  /** What has failed for good, and has not been sent again. */
  listFailed: FollowDeps['listFailed'];
  /** Called with a sentence when the run has made no progress for a while. */
  onStandstill(sentence: string): void;
}

/** A deployed stage for one run: what a plan has found is followed to the ledger, slice by slice. */
export async function makeStageSite(
  stage: OpenedStage,
  warehouse: pg.Client,
  { isExact = false, listFailed, onStandstill }: StageRunDeps,
): Promise<RunnableSite> {
  const { model, warehouseSchema } = stage;
  let countedUntil = await readClock(warehouse);
  let isDone: (() => Promise<boolean>) | undefined;
  return {
    ...stage,
    warehouse,
    lookEveryMs,
    plan: () => invokePlan(stage.lambda, stage.resources.planFunction, { isExact }),
    isDone: async (planned) => {
      isDone ??= await beginToFollow(stage, warehouse, planned, { listFailed, onStandstill });
      return isDone();
    },
    // The first load makes the tables.
    countLoaded: async () => ((await hasLedger(warehouse)) ? countLoaded(warehouse, countedUntil) : []),
    endReport: async () => {
      countedUntil = await readClock(warehouse);
    },
    countWaiting: async () =>
      (await canReadAll(warehouse, model, warehouseSchema))
        ? countWaiting(warehouse, model, warehouseSchema)
        : [],
  };
}

const askAgainMs = 1000;

/**
 * Invokes a stage's plan function and waits for what it has planned. While the schedule's own plan runs, it waits for
 * its turn: there is one at a time.
 *
 * @throws {InvocationError} the plan failed; with its reason
 */
export async function invokePlan(
  lambda: Pick<LambdaClient, 'send'>,
  functionName: string,
  event: { isExact: boolean } = { isExact: false },
): Promise<PlannedRun> {
  const deadline = performance.now() + planTimeoutSeconds * 1000;
  for (;;) {
    try {
      const { Payload, FunctionError } = await lambda.send(
        new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(JSON.stringify(event)) }),
      );
      const answer: unknown = JSON.parse(Buffer.from(Payload ?? []).toString());
      if (FunctionError !== undefined) throw new InvocationError('plan', describeFailure(answer));
      return answer as PlannedRun;
    } catch (error) {
      if (!(error instanceof TooManyRequestsException) || performance.now() > deadline) throw error;
      await delay(askAgainMs);
    }
  }
}

/** Lambda's words for what a function threw. */
function describeFailure(answer: unknown): { name: string; message: string } {
  const { errorType, errorMessage } = (answer ?? {}) as { errorType?: unknown; errorMessage?: unknown };
  return { name: String(errorType ?? 'Error'), message: String(errorMessage ?? 'it gave no reason') };
}

async function beginToFollow(
  stage: OpenedStage,
  warehouse: pg.Client,
  planned: PlannedRun,
  { listFailed, onStandstill }: StageRunDeps,
): Promise<() => Promise<boolean>> {
  const slices = [...(await listFollowedSlices(stage.ingested, planned)), ...(planned.censuses ?? [])];
  const followed = followSlices(slices, { site: stage, listFailed, warehouse, model: stage.model });
  const describeStandstill = makeStandstill();
  let looks = 0;
  return async () => {
    const isThorough = looks++ % looksBetweenFailures === 0;
    const left = await (isThorough ? followed.lookForFailures() : followed.look());
    const standstill = describeStandstill(left);
    if (standstill !== undefined) onStandstill(standstill);
    if (isThorough && left.length > 0) await assertSameGeneration(stage, planned);
    return left.length === 0;
  };
}

/** Longer than a cold start, or a retry of a message. */
const quietMs = 3 * 60_000;

/**
 * Says what a run is waiting for whenever it has made no progress for a while: a failing message is retried for hours
 * before it becomes a dead letter, while the user is watching.
 *
 * @returns a function to call at every look with the slices that are left; it returns a sentence, or undefined
 */
export function makeStandstill(
  now: () => number = () => performance.now(),
): (left: readonly FollowedSlice[]) => string | undefined {
  let count: number | undefined;
  let since = now();
  return (left) => {
    if (left.length !== count) {
      count = left.length;
      since = now();
    }
    if (count === 0 || now() - since < quietMs) return undefined;
    since = now();
    const tables = [...new Set(left.map(({ table }) => table))].toSorted().join(', ');
    const slices = count === 1 ? '1 slice' : `${formatCount(count)} slices`;
    return `nothing has arrived for ${quietMs / 60_000} minutes; ${slices} of ${tables} still to come`;
  };
}

/** Slices of an earlier generation are dropped: a newer run has all of them. */
async function assertSameGeneration(stage: OpenedStage, { generation }: PlannedRun): Promise<void> {
  if ((await readGeneration(stage.ingested)) <= BigInt(generation)) return;
  throw new TransientError(
    `the source was restarted or replaced during the run, and is captured in full again: follow that with ${commandFor(stage, 'run')}`,
  );
}
