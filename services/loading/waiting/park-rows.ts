import type { RecordBatch } from 'apache-arrow';
import type pg from 'pg';
import { warehouseLocks } from '../../../shared/ledger/schema/ledger-schema.ts';
import type { Fact } from '../../../shared/model/model.ts';
import { isNewer, matches } from '../../../shared/warehouse/is-newer.ts';
import { extentOf } from '../rows/column-values.ts';
import {
  createStaging,
  type LoadTarget,
  parkedTarget,
  putRows,
  type Warehouse,
  warehouseTarget,
} from '../rows/put-rows.ts';
import { hasReferences, lookForAbsent } from './references.ts';

const waiting = 'pg_temp.waiting';

/**
 * Keeps dimension loads out until the transaction ends. A dimension load between the check of the dimensions and the
 * parking would not release the rows that are parked after it.
 */
export async function holdDimensions(client: pg.ClientBase): Promise<void> {
  await client.query('select pg_advisory_xact_lock_shared($1, $2)', [...warehouseLocks.dimensions]);
}

/**
 * Moves the fact's rows that lack a dimension row from the staging table to the table of waiting rows. It checks the
 * dimensions again, in a statement that begins after `holdDimensions`.
 *
 * @returns the number of rows that wait
 */
export async function parkWaiting(warehouse: Warehouse, fact: Fact, staging: string): Promise<number> {
  const { client, schema } = warehouse;
  const target = warehouseTarget(fact, schema);
  await createStaging(client, target, waiting);
  const list = target.columns.join(', ');
  const looked = await lookForAbsent(warehouse);
  const { rowCount } = await client.query(`
    with moved as (delete from ${staging} s where not (${hasReferences('s', fact, looked)}) returning ${list})
    insert into ${waiting} (${list}) select ${list} from moved`);
  if (!rowCount) return 0;
  await dropSuperseded(client, target, waiting);
  await putRows(client, parkedTarget(fact, schema), waiting);
  return rowCount;
}

/** Drops the rows that need not wait: the warehouse has them in the same or a newer version. */
async function dropSuperseded(
  client: pg.ClientBase,
  { table, key }: LoadTarget,
  waiting: string,
): Promise<void> {
  await client.query(`
    delete from ${waiting} w using ${table} t
    where ${matches(key, 'w', 't')} and not ${isNewer('w', 't')}`);
}

/** Deletes parked rows that were just loaded in the same or a newer version. */
export async function unparkSuperseded(
  { client, schema }: Warehouse,
  fact: Fact,
  batches: readonly RecordBatch[],
): Promise<void> {
  const parked = parkedTarget(fact, schema);
  const { table, key } = warehouseTarget(fact, schema);
  const extent = keyExtent(fact, batches);
  const within = extent === undefined ? 'true' : `p.${key[0]} between $1 and $2`;
  await client.query(
    `delete from ${parked.table} p using ${table} t
     where ${within} and ${matches(key, 'p', 't')} and not ${isNewer('p', 't')}`,
    [...(extent ?? [])],
  );
}

/** The range of the keys just loaded, if they are numbers: only parked rows within it are compared. */
function keyExtent(fact: Fact, batches: readonly RecordBatch[]): readonly [number, number] | undefined {
  const index = fact.columns.findIndex(({ name }) => name === fact.key[0]);
  // Dates are ints in Arrow, and dates in the warehouse.
  return fact.columns[index]?.type.name === 'int' ? extentOf(batches, index) : undefined;
}
