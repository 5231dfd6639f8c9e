import { toPipelineError } from '../../shared/classify-error.ts';
import { TransientError } from '../../shared/errors.ts';
import { isServerError } from '../../shared/postgres/describe-database-error.ts';
import { quoteQualified } from '../../shared/postgres/identifier.ts';
import type { Fact } from '../../shared/star-schema/assemble.ts';
import { dimensionReferences } from './dimension-references.ts';
import type { Warehouse } from './load-dimension.ts';
import { type LoadTarget, parkedTarget, warehouseTarget } from './load-target.ts';
import { holdKeys } from './sql/initial-load.ts';
import { appendRows, putRows } from './sql/put-rows.ts';
import { createStaging } from './sql/staging.ts';
import { enterUnreleased, forgetUnreleased, selectWaitingState } from './sql/unreleased.ts';
import { takeReady } from './sql/waiting-rows.ts';

/** What became of one fact's waiting rows that a load could release. */
export interface FactRelease {
  /** The fact. */
  table: string;
  /** Rows that have stopped waiting. */
  rows: number;
  /** Why the warehouse does not take them: they wait on, and the load goes on without them. */
  refusal?: { reason: string; isNews: boolean };
  /** It takes them again, having refused them before. */
  hasRecovered: boolean;
}

/**
 * Puts the fact's waiting rows whose dimensions are all there, in statements that begin now: they see every row that
 * was parked before a lock was had.
 *
 * A fact that the warehouse refuses (a constraint, columns that are not the model's) stops alone: what was done for it
 * is taken back, it is noted with the reason, and the load that has brought the dimension goes on.
 *
 * @param triedBy the table whose load this is
 * @throws {unknown} what may pass by itself: then all of the load is tried again
 */
export async function releaseFact(
  { client, model, schema }: Warehouse,
  fact: Fact,
  triedBy: string,
): Promise<FactRelease> {
  const { name: table } = fact;
  const parked = parkedTarget(fact, schema);
  const { isAnyParked, isUnreleased } = await selectWaitingState(client, parked, table);
  const forget = async () => {
    if (isUnreleased) await forgetUnreleased(client, table);
    return isUnreleased;
  };
  if (!isAnyParked) return { table, rows: 0, hasRecovered: await forget() };
  await client.query('savepoint release');
  try {
    const rows = await moveReady({ client, model, schema }, fact, parked);
    await client.query('release savepoint release');
    return { table, rows, hasRecovered: await forget() };
  } catch (error) {
    const reason = reasonOfRefusal(error);
    await client.query('rollback to savepoint release');
    const isNews = await enterUnreleased(client, { table, triedBy, reason });
    return { table, rows: 0, refusal: { reason, isNews }, hasRecovered: false };
  }
}

async function moveReady(
  { client, model, schema }: Warehouse,
  fact: Fact,
  parked: LoadTarget,
): Promise<number> {
  const released = quoteQualified('pg_temp', `released_${fact.name}`);
  await createStaging(client, parked, released);
  const rows = await takeReady(client, parked, dimensionReferences(fact, model, schema), released);
  if (rows === 0) return 0;
  const target = warehouseTarget(fact, schema);
  await ((await holdKeys(client, target, fact.name)) ? putRows : appendRows)(client, target, released);
  return rows;
}

/** @throws {unknown} the error, where trying again may help, or where it is not the server that refuses */
function reasonOfRefusal(error: unknown): string {
  const failure = toPipelineError(error);
  if (!isServerError(error) || failure instanceof TransientError) throw error;
  return failure.message;
}
