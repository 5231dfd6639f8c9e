import type pg from 'pg';
import { TransientError } from '../../shared/errors.ts';
import type { PlannedRun } from '../../shared/records/run-record.ts';
import { starSchema } from '../../shared/star-schema/star-schema.ts';
import { countWaiting } from '../../shared/warehouse/count-waiting.ts';
import { hasLedger, isWhole } from '../operator/has-ledger.ts';
import { listFailures } from '../operator/list-failures.ts';
import { commandFor } from '../operator/target.ts';
import { countLoaded, readClock } from '../run/ledger.ts';
import type { RunSite } from '../run/run-site.ts';
import { followSlices } from './follow-slices.ts';
import { invokePlan } from './invoke-plan.ts';
import type { OpenedStage } from './open-stage.ts';
import { makeStandstill } from './standstill.ts';
import { listFollowedSlices, readGeneration } from './unfinished-runs.ts';

const lookEveryMs = 1000;
/** Failures are asked for at every so many looks. */
const looksBetweenFailures = 4;

/**
 * A deployed stage as a run sees it: what a plan has found is followed to the ledger, slice by slice.
 *
 * @param onStandstill is told, in a sentence, when nothing has come of it for a while
 */
export async function makeStageSite(
  stage: OpenedStage,
  warehouse: pg.Client,
  onStandstill: (sentence: string) => void,
): Promise<RunSite> {
  const { warehouseSchema } = stage;
  let countedUntil = await readClock(warehouse);
  let isDone: (() => Promise<boolean>) | undefined;
  return {
    ...{ ingested: stage.ingested, processed: stage.processed, warehouse, warehouseSchema, lookEveryMs },
    selector: stage.selector,
    connectWarehouse: stage.warehouse,
    plan: () => invokePlan(stage.lambda, stage.resources.planFunction),
    isDone: async (planned) => {
      isDone ??= await beginToFollow(stage, warehouse, planned, onStandstill);
      return isDone();
    },
    // The first load makes the tables.
    countLoaded: async () => ((await hasLedger(warehouse)) ? countLoaded(warehouse, countedUntil) : []),
    endReport: async () => {
      countedUntil = await readClock(warehouse);
    },
    countWaiting: async () =>
      (await isWhole(warehouse, starSchema, warehouseSchema))
        ? countWaiting(warehouse, starSchema, warehouseSchema)
        : [],
    listDeadLetters: () => listFailures(stage),
  };
}

async function beginToFollow(
  stage: OpenedStage,
  warehouse: pg.Client,
  planned: PlannedRun,
  onStandstill: (sentence: string) => void,
): Promise<() => Promise<boolean>> {
  const slices = await listFollowedSlices(stage.ingested, planned, new Date());
  const followed = followSlices(slices, { target: stage, warehouse, model: starSchema });
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

/** Slices of a generation that is over are dropped: a newer run has all of them. */
async function assertSameGeneration(stage: OpenedStage, { generation }: PlannedRun): Promise<void> {
  if ((await readGeneration(stage.ingested)) <= BigInt(generation)) return;
  throw new TransientError(
    `the source was restarted or replaced meanwhile, and all of it is captured anew: ${commandFor(stage, 'run')} follows that`,
  );
}
