import type pg from 'pg';
import { ledgerTable } from './schema/ledger-schema.ts';

/** The slices of one run that are in one warehouse table, in any revision. */
export interface LoadedRun {
  table: string;
  run: string;
  slices: string[];
}

/** @param oldest the first run to select */
export async function selectLoadedRuns(client: pg.ClientBase, oldest: string): Promise<LoadedRun[]> {
  const { rows } = await client.query<LoadedRun>(
    `select warehouse_table as table, run, array_agg(distinct slice) as slices
       from ${ledgerTable}
      where run >= $1
      group by warehouse_table, run`,
    [oldest],
  );
  return rows;
}
