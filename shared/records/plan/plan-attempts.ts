import { type PipelineError, RefusedError, type Refuser } from '../../errors.ts';
import { planAttemptsKey, type RunId } from '../../object-store/object-key.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { parseStateRecord } from '../json-record.ts';
import type { LockedTable, PlannedRun, TableFailure, TableLook } from './run-record.ts';

/**
 * The content of `state/plans.json`: what became of the last attempt to plan, and when one last succeeded. Every attempt
 * writes it, also one that could not connect.
 */
export interface PlanAttempts {
  /** ISO 8601: when the last attempt began. */
  attemptedAt: string;
  /** The last plan that succeeded; absent where none has. */
  succeeded?: SucceededPlan;
  /** Why the last attempt failed; absent where it succeeded. */
  failure?: PlanFailure;
}

export interface SucceededPlan {
  /** ISO 8601. */
  at: string;
  run: RunId;
  /** Of the source. */
  locked: LockedTable[];
  failures: TableFailure[];
  /** Absent where an older version has planned. */
  looks?: TableLook[];
}

export interface PlanFailure {
  error: string;
  reason: string;
  by?: Refuser;
  /** ISO 8601: the first of the attempts in a row that failed. */
  since: string;
  /** Attempts in a row that failed. */
  attempts: number;
}

/** @throws {TerminalError} the object is not what Starlift writes; the message names its key and what to do */
export async function readPlanAttempts(
  ingested: Pick<ObjectStore, 'get'>,
): Promise<PlanAttempts | undefined> {
  const object = await ingested.get(planAttemptsKey);
  return (
    object && (parseStateRecord(planAttemptsKey, object.body, isPlanAttempts) as unknown as PlanAttempts)
  );
}

/**
 * Writes what became of an attempt. What a failure follows on is read first, so a planner that starts anew counts on.
 *
 * @param outcome the run that was planned, or the error
 */
export async function notePlanAttempt(
  ingested: Pick<ObjectStore, 'get' | 'put'>,
  attemptedAt: Date,
  outcome: Pick<PlannedRun, 'run' | 'locked' | 'failures' | 'looks'> | { error: PipelineError },
): Promise<void> {
  const at = attemptedAt.toISOString();
  const attempts: PlanAttempts =
    'run' in outcome
      ? { attemptedAt: at, succeeded: describePlan(at, outcome) }
      : await afterFailure(await readOrForget(ingested), at, outcome.error);
  await ingested.put(planAttemptsKey, Buffer.from(JSON.stringify({ version: 1, ...attempts })));
}

const describePlan = (
  at: string,
  { run, locked = [], failures, looks }: Pick<PlannedRun, 'run' | 'locked' | 'failures' | 'looks'>,
): SucceededPlan => ({ at, run, locked, failures, ...(looks && { looks }) });

async function afterFailure(
  before: PlanAttempts | undefined,
  attemptedAt: string,
  error: PipelineError,
): Promise<PlanAttempts> {
  const failure: PlanFailure = {
    error: error.name,
    reason: error.message,
    since: before?.failure?.since ?? attemptedAt,
    attempts: (before?.failure?.attempts ?? 0) + 1,
  };
  if (error instanceof RefusedError) failure.by = error.by;
  const attempts: PlanAttempts = { attemptedAt, failure };
  if (before?.succeeded !== undefined) attempts.succeeded = before.succeeded;
  return attempts;
}

/** What is damaged is written anew. */
async function readOrForget(ingested: Pick<ObjectStore, 'get'>): Promise<PlanAttempts | undefined> {
  try {
    return await readPlanAttempts(ingested);
  } catch {
    return undefined;
  }
}

const isPlanAttempts = ({ attemptedAt, succeeded, failure }: Record<string, unknown>): boolean =>
  typeof attemptedAt === 'string' &&
  ['object', 'undefined'].includes(typeof succeeded) &&
  ['object', 'undefined'].includes(typeof failure);
