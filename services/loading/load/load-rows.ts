import type { Calendar, Dimension, Fact } from '../../../shared/star-schema/assemble.ts';
import { holdKeys } from '../initial-load/initial-load.ts';
import { copyDistinctRows, copyNewRows, type ObjectRows, stageRows } from '../rows/copy-rows.ts';
import { type Warehouse, warehouseTarget } from '../rows/load-target.ts';
import { appendRows, insertNewRows, putRows } from '../rows/put-rows.ts';
import { holdDimensions, parkWaiting, unparkSuperseded } from '../waiting/park-rows.ts';
import { hasAllDimensions } from '../waiting/references.ts';
import { type FactRelease, holdParking, releaseFact, selectWaitingState } from '../waiting/release-fact.ts';

const staging = 'pg_temp.staging';

interface FactLoad {
  /** Rows parked. */
  waiting: number;
  /** Of rows that the warehouse had refused before. */
  releases: FactRelease[];
}

/**
 * Puts a fact's rows; a row whose dimensions are not all there is parked, and the others go on.
 *
 * @param isInitial the fact may be without its keys, see `joinInitialLoad`
 */
export async function loadFact(
  warehouse: Warehouse,
  fact: Fact,
  rows: ObjectRows,
  isInitial: boolean,
): Promise<FactLoad> {
  const { client, schema } = warehouse;
  const target = warehouseTarget(fact, schema);
  const areAllReady = await hasAllDimensions(warehouse, fact, rows.batches);
  if (!areAllReady) await holdDimensions(client);
  const hasKeys = !isInitial || (await holdKeys(client, target, fact.name));
  const copyStraight = hasKeys ? copyNewRows : copyDistinctRows;
  let waiting = 0;
  if (!areAllReady || !(await copyStraight(client, target, rows))) {
    await stageRows(client, target, staging, rows);
    if (!areAllReady) waiting = await parkWaiting(warehouse, fact, staging);
    await (hasKeys ? putRows : appendRows)(client, target, staging);
  }
  const releases: FactRelease[] = [];
  const { isAnyParked, isUnreleased } = await selectWaitingState(client, fact.name);
  if (isAnyParked) {
    await unparkSuperseded(warehouse, fact, rows.batches);
    // The table takes rows again: what was refused before need not wait for a dimension's next load.
    if (isUnreleased) releases.push(await releaseFact(warehouse, fact, fact.name));
  }
  return { waiting, releases };
}

/** Puts a dimension's rows, the newest of each key, and releases the facts that waited for them. */
export async function loadDimension(
  warehouse: Warehouse,
  dimension: Dimension,
  rows: ObjectRows,
): Promise<FactRelease[]> {
  const { client, model, schema } = warehouse;
  const target = warehouseTarget(dimension, schema);
  if (!(await copyNewRows(client, target, rows))) {
    await stageRows(client, target, staging, rows);
    await putRows(client, target, staging);
  }
  const facts = model.tables.filter((table) => table.kind === 'fact');
  const naming = facts.filter(({ columns }) =>
    columns.some(({ references }) => references === dimension.name),
  );
  const releases: FactRelease[] = [];
  if (naming.length > 0) await holdParking(client);
  for (const fact of naming) releases.push(await releaseFact(warehouse, fact, dimension.name));
  return releases;
}

/** Dates are the same in every object, so a date that is there stays. */
export async function loadCalendar(
  { client, schema }: Warehouse,
  calendar: Calendar,
  rows: ObjectRows,
): Promise<void> {
  const target = warehouseTarget(calendar, schema);
  await stageRows(client, target, staging, rows);
  await insertNewRows(client, target, staging);
}
