import type pg from 'pg';
import { quoteQualified } from '../../shared/postgres/identifier.ts';
import type { Calendar, Dimension, Fact, StarSchema } from '../../shared/star-schema/assemble.ts';
import { copyNewRows, type ObjectRows, stageRows } from './copy-rows.ts';
import { dimensionReferences } from './dimension-references.ts';
import { parkedTarget, warehouseTarget } from './load-target.ts';
import { insertNewRows } from './sql/insert-new-rows.ts';
import { putRows } from './sql/put-rows.ts';
import { createStaging } from './sql/staging.ts';
import { holdParking, isAnyParked, takeReady } from './sql/waiting-rows.ts';

export interface Warehouse {
  client: pg.PoolClient;
  model: StarSchema;
  schema: string;
}

const staging = 'pg_temp.staging';

/**
 * Puts a dimension's rows, the newest of each key, and releases the facts that waited for them.
 *
 * @returns the number of rows that have stopped waiting
 */
export async function loadDimension(
  warehouse: Warehouse,
  dimension: Dimension,
  rows: ObjectRows,
): Promise<number> {
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
  if (naming.length === 0) return 0;
  await holdParking(client);
  let released = 0;
  for (const fact of naming) released += await releaseFact(warehouse, fact);
  return released;
}

/** Dates are the same in every object: the first to come stays. */
export async function loadCalendar(
  { client, schema }: Warehouse,
  calendar: Calendar,
  rows: ObjectRows,
): Promise<void> {
  const target = warehouseTarget(calendar, schema);
  await stageRows(client, target, staging, rows);
  await insertNewRows(client, target, staging);
}

/** In statements that begin after the lock was had: they see every row that was parked before. */
async function releaseFact({ client, model, schema }: Warehouse, fact: Fact): Promise<number> {
  const parked = parkedTarget(fact, schema);
  if (!(await isAnyParked(client, parked))) return 0;
  const released = quoteQualified('pg_temp', `released_${fact.name}`);
  await createStaging(client, parked, released);
  const count = await takeReady(client, parked, dimensionReferences(fact, model, schema), released);
  if (count > 0) await putRows(client, warehouseTarget(fact, schema), released);
  return count;
}
