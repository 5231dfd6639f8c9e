import type pg from 'pg';
import type { Calendar, Dimension, StarSchema } from '../../shared/star-schema/assemble.ts';
import { copyNewRows, type ObjectRows, stageRows } from './copy-rows.ts';
import { warehouseTarget } from './load-target.ts';
import { type FactRelease, releaseFact } from './release-fact.ts';
import { insertNewRows } from './sql/insert-new-rows.ts';
import { putRows } from './sql/put-rows.ts';
import { holdParking } from './sql/waiting-rows.ts';

export interface Warehouse {
  client: pg.PoolClient;
  model: StarSchema;
  schema: string;
}

const staging = 'pg_temp.staging';

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
