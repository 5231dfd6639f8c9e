import type pg from 'pg';
import { toPipelineError } from '../../../shared/classify-error.ts';
import { TransientError } from '../../../shared/errors.ts';
import { parkedTable, unreleasedTable, warehouseLocks } from '../../../shared/ledger/schema/ledger-schema.ts';
import { changeRows } from '../../../shared/ledger/table-counts.ts';
import type { Fact } from '../../../shared/model/model.ts';
import { quoteQualified } from '../../../shared/postgres/identifier.ts';
import { isServerError } from '../../../shared/postgres/server-error.ts';
import { holdKeys } from '../initial-load/initial-load.ts';
import { tableLockTimeout } from '../limit-waiting.ts';
import {
  appendRows,
  createStaging,
  parkedTarget,
  putRows,
  type Warehouse,
  warehouseTarget,
  withMarks,
} from '../rows/put-rows.ts';
import { hasReferences, lookForAbsent } from './references.ts';

/** The outcome for one fact whose waiting rows a load could release. */
export interface FactRelease {
  /** The fact. */
  table: string;
  /** Rows that have stopped waiting. */
  rows: number;
  /** Why the warehouse refuses them. They go on waiting, and the load commits without them. */
  refusal?: { reason: string; isNews: boolean };
  /** The warehouse accepts them again, after it had refused them. */
  hasRecovered: boolean;
}

/** Waits until no fact's load is between its check of the dimensions and its parking. */
export async function holdParking(client: pg.ClientBase): Promise<void> {
  await client.query('select pg_advisory_xact_lock($1, $2)', [...warehouseLocks.dimensions]);
}

/**
 * Puts the fact's waiting rows whose dimension rows are all there. Its statements begin now, so they see every row that
 * was parked before the load had its lock.
 *
 * If the warehouse refuses a fact (a constraint, columns that are not the model's), only that fact stops: its changes
 * are rolled back, the reason is noted, and the load of the dimension continues.
 *
 * @param triedBy the table whose load this is
 * @throws {unknown} a transient failure: the whole load is retried
 */
export async function releaseFact(warehouse: Warehouse, fact: Fact, triedBy: string): Promise<FactRelease> {
  const { client } = warehouse;
  const { name: table } = fact;
  const { isAnyParked, isUnreleased } = await selectWaitingState(client, table);
  const forget = async () => {
    if (isUnreleased) await forgetUnreleased(client, table);
    return isUnreleased;
  };
  if (!isAnyParked) return { table, rows: 0, hasRecovered: await forget() };
  await client.query('savepoint release');
  try {
    await client.query(`
      set local lock_timeout = '${tableLockTimeout}';
      lock table ${quoteQualified(warehouse.schema, table)} in row exclusive mode;
      set local lock_timeout = '60s'`);
    const rows = await moveReady(await lookForAbsent(warehouse), fact);
    await client.query('release savepoint release');
    return { table, rows, hasRecovered: await forget() };
  } catch (error) {
    const reason = reasonOfRefusal(error);
    await client.query('rollback to savepoint release');
    const isNews = await enterUnreleased(client, { table, triedBy, reason });
    return { table, rows: 0, refusal: { reason, isNews }, hasRecovered: false };
  }
}

/** Whether any row of the fact waits, and whether the warehouse refused waiting rows before. */
export async function selectWaitingState(
  client: pg.ClientBase,
  fact: string,
): Promise<{ isAnyParked: boolean; isUnreleased: boolean }> {
  const { rows } = await client.query<{ parked: boolean; unreleased: boolean }>(
    `select exists (select from ${parkedTable(fact)}) as parked,
            exists (select from ${unreleasedTable} where warehouse_table = $1) as unreleased`,
    [fact],
  );
  return { isAnyParked: rows[0]?.parked === true, isUnreleased: rows[0]?.unreleased === true };
}

async function forgetUnreleased(client: pg.ClientBase, table: string): Promise<void> {
  await client.query(`delete from ${unreleasedTable} where warehouse_table = $1`, [table]);
}

/** @returns the number of rows moved */
async function moveReady(warehouse: Warehouse, fact: Fact): Promise<number> {
  const { client, schema } = warehouse;
  const isMarked = warehouse.marked.has(fact.name);
  const parked = isMarked ? withMarks(parkedTarget(fact, schema)) : parkedTarget(fact, schema);
  const target = withMarks(warehouseTarget(fact, schema, isMarked));
  const released = quoteQualified('pg_temp', `released_${fact.name}`);
  await createStaging(client, parked, released);
  const list = parked.columns.join(', ');
  const { rowCount } = await client.query(`
    with ready as (delete from ${parked.table} p where ${hasReferences('p', fact, warehouse)} returning ${list})
    insert into ${released} (${list}) select ${list} from ready`);
  if (!rowCount) return 0;
  const put = (await holdKeys(client, target, fact.name)) ? putRows : appendRows;
  const { added } = await put(client, target, released);
  await changeRows(client, fact.name, added, 'released');
  return rowCount;
}

/** @throws {unknown} the error itself, if it is transient or did not come from the server */
function reasonOfRefusal(error: unknown): string {
  const failure = toPipelineError(error);
  if (!isServerError(error) || failure instanceof TransientError) throw error;
  return failure.message;
}

/** @returns whether it is news: the fact had no entry, or one with another reason */
async function enterUnreleased(
  client: pg.ClientBase,
  { table, triedBy, reason }: { table: string; triedBy: string; reason: string },
): Promise<boolean> {
  const { rowCount } = await client.query(
    `insert into ${unreleasedTable} as u (warehouse_table, tried_by, reason) values ($1, $2, $3)
     on conflict (warehouse_table) do update
     set tried_by = excluded.tried_by, reason = excluded.reason, since = clock_timestamp()
     where u.reason <> excluded.reason`,
    [table, triedBy, reason],
  );
  return rowCount === 1;
}
