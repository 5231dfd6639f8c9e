import type pg from 'pg';
import type { Model } from '../../model/model.ts';
import { selectLoadedRows } from '../table-counts.ts';
import { isCensus, ledgerTable, rowChangeTable, tableTable } from './ledger-schema.ts';

/** What the ledger holds of one warehouse table. */
export interface LedgerTable {
  /** Objects loaded so far, and the rows that came in them, from the first run on. */
  objects: number;
  versions: number;
  /** Rows that are in the table now; null where an older version has loaded it and nobody has counted them yet. */
  rows: number | null;
  /** ISO 8601. */
  loadedAt: string;
  firstRun: string;
  lastRun: string;
}

/**
 * Reads what was loaded into each warehouse table from the ledger alone, so also while a table is locked.
 *
 * @param client of a warehouse that has the ledger
 * @returns by table; without those that nothing was loaded into
 */
export async function selectLedgerTables(
  client: pg.ClientBase,
  model: Model,
): Promise<Map<string, LedgerTable>> {
  const { rows } = await client.query<Omit<LedgerTable, 'rows'> & { table: string }>(
    `select warehouse_table as table, count(*)::float8 as objects, sum(rows)::float8 as versions,
            to_char(max(loaded_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "loadedAt",
            min(run) as "firstRun", max(run) as "lastRun"
       from ${ledgerTable} o
      where not ${isCensus('o')}
      group by warehouse_table`,
  );
  const names = model.tables.map(({ name }) => name);
  const counted = (await hasCounts(client)) ? await selectLoadedRows(client, names) : undefined;
  return new Map(rows.map(({ table, ...of }) => [table, { ...of, rows: counted?.get(table) ?? null }]));
}

/** The tables in which loads count came with a later version: the next load makes them. */
export async function hasCounts(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ isThere: boolean }>(
    'select to_regclass($1) is not null and to_regclass($2) is not null as "isThere"',
    [tableTable, rowChangeTable],
  );
  return rows[0]?.isThere === true;
}
