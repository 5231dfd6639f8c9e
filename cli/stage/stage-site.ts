import type pg from 'pg';
import { TransientError } from '../../shared/errors.ts';
import { starSchema } from '../../shared/star-schema/star-schema.ts';
import { countWaiting } from '../../shared/warehouse/count-waiting.ts';
import { hasLedger, isWhole } from '../operator/has-ledger.ts';
import { commandFor } from '../operator/target.ts';
import { countLoaded, readClock } from '../run/ledger.ts';
import type { PlannedRun, RunSite } from '../run/run-site.ts';
import { type FollowedSlices, followSlices } from './follow-slices.ts';
import { invokePlan } from './invoke-plan.ts';
import type { OpenedStage } from './open-stage.ts';
import { listFollowedSlices, readGeneration } from './unfinished-runs.ts';

const lookEveryMs = 1000;
/** Failures are asked for at every so many looks. */
const looksBetweenFailures = 4;

/** A deployed stage as a run sees it: what a plan has found is followed to the ledger, slice by slice. */
export async function makeStageSite(stage: OpenedStage, warehouse: pg.Client): Promise<RunSite> {
  const { warehouseSchema } = stage;
  let countedUntil = await readClock(warehouse);
  let isDone: ((planned: PlannedRun) => Promise<boolean>) | undefined;
  return {
    ...{ ingested: stage.ingested, processed: stage.processed, warehouse, warehouseSchema, lookEveryMs },
    selector: stage.selector,
    connectWarehouse: stage.warehouse,
    plan: () => invokePlan(stage.lambda, stage.resources.planFunction),
    isDone: async (planned) => {
      isDone ??= await beginToFollow(stage, warehouse, planned);
      return isDone(planned);
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
    listDeadLetters: stage.listDeadLetters,
  };
}

async function beginToFollow(stage: OpenedStage, warehouse: pg.Client, planned: PlannedRun) {
  const slices = await listFollowedSlices(stage.ingested, planned, new Date());
  const followed: FollowedSlices = followSlices(slices, { target: stage, warehouse, model: starSchema });
  let looks = 0;
  return async ({ generation }: PlannedRun): Promise<boolean> => {
    if (looks++ % looksBetweenFailures !== 0) return (await followed.look()) === 0;
    const left = await followed.lookForFailures();
    if (left > 0 && (await readGeneration(stage.ingested)) > BigInt(generation)) {
      throw new TransientError(
        `the source was restarted or replaced meanwhile, and all of it is captured anew: ${commandFor(stage, 'run')} follows that`,
      );
    }
    return left === 0;
  };
}
