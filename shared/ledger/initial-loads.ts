import type pg from 'pg';
import { initialLoadTable } from './schema/ledger-schema.ts';

/** The facts that are in their initial load: they have no keys yet. */
export async function selectInitialLoads(client: pg.ClientBase): Promise<ReadonlySet<string>> {
  // Before the first run, and in a warehouse that an older version made.
  const { rowCount } = await client.query('select where to_regclass($1) is not null', [initialLoadTable]);
  if (rowCount === 0) return new Set();
  const { rows } = await client.query<{ table: string }>(
    `select warehouse_table as table from ${initialLoadTable}`,
  );
  return new Set(rows.map(({ table }) => table));
}

/** Begins the initial load of a fact that was just made. It replaces the entry of an earlier table of the same name. */
export async function beginInitialLoad(client: pg.ClientBase, fact: string): Promise<void> {
  await client.query(
    `insert into ${initialLoadTable} (warehouse_table) values ($1)
     on conflict (warehouse_table) do update set run = null`,
    [fact],
  );
}

/** @returns whether the fact was in its initial load */
export async function endInitialLoad(client: pg.ClientBase, fact: string): Promise<boolean> {
  const { rowCount } = await client.query(`delete from ${initialLoadTable} where warehouse_table = $1`, [
    fact,
  ]);
  return rowCount === 1;
}
