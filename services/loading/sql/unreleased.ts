import type pg from 'pg';
import { unreleasedTable } from '../../../shared/warehouse/ledger-schema.ts';
import type { LoadTarget } from '../load-target.ts';

export interface Unreleased {
  /** The fact. */
  table: string;
  /** The table whose load has tried to release the fact's rows. */
  triedBy: string;
  reason: string;
}

/** @returns whether it is news: the fact was not there, or for another reason */
export async function enterUnreleased(
  client: pg.ClientBase,
  { table, triedBy, reason }: Unreleased,
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

export async function forgetUnreleased(client: pg.ClientBase, table: string): Promise<void> {
  await client.query(`delete from ${unreleasedTable} where warehouse_table = $1`, [table]);
}

/** Whether any row of the fact waits, and whether the warehouse has refused some when they were to be released. */
export async function selectWaitingState(
  client: pg.ClientBase,
  { table: parked }: LoadTarget,
  table: string,
): Promise<{ isAnyParked: boolean; isUnreleased: boolean }> {
  const { rows } = await client.query<{ parked: boolean; unreleased: boolean }>(
    `select exists (select from ${parked}) as parked,
            exists (select from ${unreleasedTable} where warehouse_table = $1) as unreleased`,
    [table],
  );
  return { isAnyParked: rows[0]?.parked === true, isUnreleased: rows[0]?.unreleased === true };
}
