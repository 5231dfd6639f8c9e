import { toPipelineError } from '../../../shared/classify-error.ts';
import { findAsOf } from '../../../shared/ledger/as-of.ts';
import { countWaiting } from '../../../shared/ledger/count-waiting.ts';
import { selectLoadedRuns } from '../../../shared/ledger/loaded-runs.ts';
import type { Model } from '../../../shared/model/model.ts';
import type { Database } from '../../../shared/postgres/database.ts';
import type { PlanRecords } from '../../../shared/records/plan/plan-records.ts';
import { lateSeconds, type Schedule } from '../../../shared/schedule.ts';

export interface FreshnessDeps {
  /** The warehouse, with all of its tables. */
  database: Pick<Database, 'withClient'>;
  readPlans(now: Date): Promise<PlanRecords | undefined>;
  model: Model;
  /** The schema of the star schema's tables. */
  schema: string;
  now(): Date;
  /** The plans'. */
  planSchedule: Schedule | undefined;
}

export interface TableFreshness {
  table: string;
  /**
   * How old its newest changes are, as far as an index is asked for them, else the whole table; undefined if nothing of the table
   * was ever captured, or if it is unknown.
   */
  lagSeconds: number | undefined;
  /** The same, counted from the first plan that was due since; undefined where the lag is. */
  lateSeconds: number | undefined;
  /** How old the whole table is: up to there it lacks nothing. */
  exactLagSeconds: number | undefined;
  /** The same, counted from the first plan that was due since; undefined where the lag is. */
  exactLateSeconds: number | undefined;
  /** Rows that wait for a dimension; of facts only. */
  waiting: number | undefined;
}

/**
 * Measures how old each warehouse table is: now minus the instant up to which everything committed in the source has
 * been captured and loaded. If nothing changes in the source, the warehouse is as fresh as the last plan.
 *
 * @throws {TransientError} S3 or the warehouse does not answer
 */
export async function measureFreshness(deps: FreshnessDeps): Promise<TableFreshness[]> {
  try {
    const now = deps.now();
    const plans = await deps.readPlans(now);
    return await deps.database.withClient(async (client) => {
      const loaded = await selectLoadedRuns(client, plans?.runs[0]?.run ?? '');
      const waiting = await countWaiting(client, deps.model, deps.schema);
      return deps.model.tables.map((table) => {
        const asOf = plans && findAsOf(table, deps.model, { plans, loaded });
        const exact = asOf?.instant;
        const fresh = asOf?.fresh?.instant ?? exact;
        const rows = waiting.filter((each) => each.table === table.name).map((each) => each.rows);
        return {
          table: table.name,
          lateSeconds: fresh && lateSeconds(fresh, now, deps.planSchedule),
          lagSeconds: fresh && secondsBetween(fresh, now),
          exactLateSeconds: exact && lateSeconds(exact, now, deps.planSchedule),
          exactLagSeconds: exact && secondsBetween(exact, now),
          waiting: table.kind === 'fact' ? rows.reduce((sum, count) => sum + count, 0) : undefined,
        };
      });
    });
  } catch (error) {
    throw toPipelineError(error);
  }
}

const secondsBetween = (from: Date, to: Date): number => Math.max(0, (to.getTime() - from.getTime()) / 1000);
