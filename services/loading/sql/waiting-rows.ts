import type pg from 'pg';
import { warehouseLocks } from '../../../shared/warehouse/advisory-locks.ts';
import { isNewer, matches } from '../../../shared/warehouse/is-newer.ts';
import type { LoadTarget } from '../load-target.ts';
import { type DimensionReference, hasReferences } from './missing-references.ts';

/** Until the transaction ends no dimension's load can come between a look at the dimensions and the parking. */
export async function holdDimensions(client: pg.ClientBase): Promise<void> {
  await client.query('select pg_advisory_xact_lock_shared($1, $2)', [...warehouseLocks.dimensions]);
}

/** Waits until no fact's load is between its look at the dimensions and its parking. */
export async function holdParking(client: pg.ClientBase): Promise<void> {
  await client.query('select pg_advisory_xact_lock($1, $2)', [...warehouseLocks.dimensions]);
}

/**
 * Moves the rows whose dimensions are not all there from one temporary table to another.
 *
 * @returns the number of rows moved
 */
export async function splitWaiting(
  client: pg.ClientBase,
  { columns }: LoadTarget,
  references: readonly DimensionReference[],
  [staging, waiting]: [staging: string, waiting: string],
): Promise<number> {
  const list = columns.join(', ');
  const { rowCount } = await client.query(`
    with moved as (delete from ${staging} s where not (${hasReferences('s', references)}) returning ${list})
    insert into ${waiting} (${list}) select ${list} from moved`);
  return rowCount ?? 0;
}

/**
 * Moves the rows whose dimensions are all there from where they are parked to a temporary table.
 *
 * @returns the number of rows moved
 */
export async function takeReady(
  client: pg.ClientBase,
  { table, columns }: LoadTarget,
  references: readonly DimensionReference[],
  released: string,
): Promise<number> {
  const list = columns.join(', ');
  const { rowCount } = await client.query(`
    with ready as (delete from ${table} p where ${hasReferences('p', references)} returning ${list})
    insert into ${released} (${list}) select ${list} from ready`);
  return rowCount ?? 0;
}

/** Forgets the rows of a temporary table that wait in vain: the warehouse has them, as new or newer. */
export async function dropSuperseded(
  client: pg.ClientBase,
  { table, key }: LoadTarget,
  waiting: string,
): Promise<void> {
  await client.query(`
    delete from ${waiting} w using ${table} t
    where ${matches(key, 'w', 't')} and not ${isNewer('w', 't')}`);
}

/**
 * Ends the waiting of rows that have just been loaded in a version as new or newer.
 *
 * @param extent the least and the greatest of the keys just loaded, where they are numbers: it spares a look at all
 *   that is parked
 */
export async function unparkSuperseded(
  client: pg.ClientBase,
  parked: LoadTarget,
  { table, key }: LoadTarget,
  extent: readonly [number, number] | undefined,
): Promise<void> {
  const within = extent === undefined ? 'true' : `p.${key[0]} between $1 and $2`;
  await client.query(
    `delete from ${parked.table} p using ${table} t
     where ${within} and ${matches(key, 'p', 't')} and not ${isNewer('p', 't')}`,
    [...(extent ?? [])],
  );
}
