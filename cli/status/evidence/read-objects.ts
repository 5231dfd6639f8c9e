import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import { type ForgottenRow, listForgetting } from '../../../shared/records/forgotten.ts';
import { type Loaded, readLoaded } from '../../../shared/records/loaded.ts';
import { type Outage, readOutage } from '../../../shared/records/outages.ts';
import { type PlanAttempts, readPlanAttempts } from '../../../shared/records/plan/plan-attempts.ts';
import { type PlanRecords, readNewestPlans } from '../../../shared/records/plan/plan-records.ts';
import { type Retrying, readRetrying } from '../../../shared/records/retrying.ts';
import { readVerified, type Verified } from '../../../shared/records/verified.ts';
import { readWarehouseEvidence, type WarehouseEvidence } from '../../../shared/records/warehouse-evidence.ts';
import { type LastPlan, readLastPlan } from './read-plan.ts';

/** What the functions have left in S3 for an operator. */
export interface ObjectsEvidence extends LastPlan {
  /** Absent before the first complete plan. */
  plans: PlanRecords | undefined;
  attempts: PlanAttempts | undefined;
  /** Those that last. */
  outages: Outage[];
  retrying: Retrying[];
  /** What the ledger had when it was read last. */
  loaded: Loaded | undefined;
  verified: Verified | undefined;
  /** A stage's, as its freshness function saw it. */
  warehouse: WarehouseEvidence | undefined;
  /** Rows whose forgetting has begun and not ended. */
  forgetting: ForgottenRow[];
  /** Records that are not what Starlift writes, each with what to do. */
  damaged: string[];
}

/** Enough to see what is in flight; older slices that are lost, the sweeps find. */
const newestPlans = 500;
const newestRetrying = 200;

export async function readObjects(
  ingested: Pick<ObjectStore, 'get' | 'list'>,
  now: Date,
): Promise<ObjectsEvidence> {
  const damaged: string[] = [];
  // One damaged record must not hide the others.
  const orDamaged = async <T>(read: Promise<T>): Promise<T | undefined> => {
    try {
      return await read;
    } catch (error) {
      if ((error as Error).name !== 'TerminalError') throw error;
      damaged.push((error as Error).message);
      return undefined;
    }
  };
  const [lastPlan, plans, attempts, source, warehouse, retrying, loaded, verified, seen, forgetting] =
    await Promise.all([
      readLastPlan(ingested, now),
      orDamaged(readNewestPlans(ingested, now, newestPlans)),
      orDamaged(readPlanAttempts(ingested)),
      orDamaged(readOutage(ingested, 'source')),
      orDamaged(readOutage(ingested, 'warehouse')),
      orDamaged(readRetrying(ingested, newestRetrying)),
      orDamaged(readLoaded(ingested)),
      orDamaged(readVerified(ingested)),
      orDamaged(readWarehouseEvidence(ingested)),
      orDamaged(listForgetting(ingested)),
    ]);
  return {
    ...lastPlan,
    plans,
    attempts,
    outages: [source, warehouse].flatMap((outage) =>
      outage === undefined || outage.endedAt !== undefined ? [] : [outage],
    ),
    retrying: retrying ?? [],
    loaded: loaded?.loaded,
    verified,
    warehouse: seen,
    forgetting: forgetting ?? [],
    damaged,
  };
}
