import type { RecordBatch } from 'apache-arrow';
import type { Fact } from '../../shared/star-schema/assemble.ts';
import { extentOf } from './column-values.ts';
import { copyDistinctRows, copyNewRows, type ObjectRows, stageRows } from './copy-rows.ts';
import { dimensionReferences, hasAllDimensions } from './dimension-references.ts';
import type { Warehouse } from './load-dimension.ts';
import { type LoadTarget, parkedTarget, warehouseTarget } from './load-target.ts';
import { type FactRelease, releaseFact } from './release-fact.ts';
import { holdKeys } from './sql/initial-load.ts';
import { appendRows, putRows } from './sql/put-rows.ts';
import { createStaging } from './sql/staging.ts';
import { selectWaitingState } from './sql/unreleased.ts';
import { dropSuperseded, holdDimensions, splitWaiting, unparkSuperseded } from './sql/waiting-rows.ts';

const staging = 'pg_temp.staging';
const waiting = 'pg_temp.waiting';

interface FactLoad {
  /** Rows parked. */
  waiting: number;
  /** Of rows that the warehouse had refused before. */
  releases: FactRelease[];
}

/**
 * Puts a fact's rows; a row whose dimensions are not all there is parked, and the others go on.
 *
 * @param rows.isInitial the fact may be without its keys, see `joinInitialLoad`
 */
export async function loadFact(
  warehouse: Warehouse,
  fact: Fact,
  rows: ObjectRows & { isInitial: boolean },
): Promise<FactLoad> {
  const { client, model, schema } = warehouse;
  const target = warehouseTarget(fact, schema);
  const parked = parkedTarget(fact, schema);
  const areAllReady = await hasAllDimensions(client, { fact, model, schema }, rows.batches);
  if (!areAllReady) await holdDimensions(client);
  const hasKeys = !rows.isInitial || (await holdKeys(client, target, fact.name));
  const copyStraight = hasKeys ? copyNewRows : copyDistinctRows;
  let waitingRows = 0;
  if (!areAllReady || !(await copyStraight(client, target, rows))) {
    await stageRows(client, target, staging, rows);
    if (!areAllReady) waitingRows = await parkWaiting(warehouse, fact, { target, parked });
    await (hasKeys ? putRows : appendRows)(client, target, staging);
  }
  const releases: FactRelease[] = [];
  const { isAnyParked, isUnreleased } = await selectWaitingState(client, parked, fact.name);
  if (isAnyParked) {
    await unparkSuperseded(client, parked, target, keyExtent(fact, rows.batches));
    // The table takes rows again: what was refused before need not wait for a dimension's next load.
    if (isUnreleased) releases.push(await releaseFact(warehouse, fact, fact.name));
  }
  return { waiting: waitingRows, releases };
}

/** Looks at the dimensions again, in a statement that began after the lock was had. */
async function parkWaiting(
  { client, model, schema }: Warehouse,
  fact: Fact,
  { target, parked }: { target: LoadTarget; parked: LoadTarget },
): Promise<number> {
  await createStaging(client, target, waiting);
  const references = dimensionReferences(fact, model, schema);
  const count = await splitWaiting(client, target, references, [staging, waiting]);
  if (count === 0) return 0;
  await dropSuperseded(client, target, waiting);
  await putRows(client, parked, waiting);
  return count;
}

function keyExtent(fact: Fact, batches: readonly RecordBatch[]): readonly [number, number] | undefined {
  const index = fact.columns.findIndex(({ name }) => name === fact.key);
  // Dates are ints in Arrow, and dates in the warehouse.
  return fact.columns[index]?.type.name === 'int' ? extentOf(batches, index) : undefined;
}
