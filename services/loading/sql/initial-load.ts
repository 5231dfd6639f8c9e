import type pg from 'pg';
import type { RunId } from '../../../shared/object-store/object-key.ts';
import { inTransaction } from '../../../shared/postgres/transaction.ts';
import type { SliceId } from '../../../shared/records/slices.ts';
import { initialLoadTable, ledgerTable } from '../../../shared/warehouse/ledger-schema.ts';
import type { LoadTarget } from '../load-target.ts';

/** @returns of which run the fact's initial load is, null where none has come yet; undefined where it is over */
export async function selectInitialLoad(
  client: pg.ClientBase,
  fact: string,
): Promise<{ run: RunId | null } | undefined> {
  const { rows } = await client.query<{ run: RunId | null }>(
    `select run from ${initialLoadTable} where warehouse_table = $1`,
    [fact],
  );
  return rows[0];
}

/** Makes the run the one that the fact's initial load is of, unless there is one. */
export async function claimInitialLoad(client: pg.ClientBase, fact: string, run: RunId): Promise<void> {
  await inTransaction(client, () =>
    client.query(`update ${initialLoadTable} set run = $2 where warehouse_table = $1 and run is null`, [
      fact,
      run,
    ]),
  );
}

/** @returns whether the fact has its keys: as it is until the transaction ends, for nobody can build them meanwhile */
export async function holdKeys(client: pg.ClientBase, { table }: LoadTarget, fact: string): Promise<boolean> {
  await client.query(`lock table ${table} in row exclusive mode`);
  return (await selectInitialLoad(client, fact)) === undefined;
}

/** What the ledger has of one fact's run. */
export async function selectLoaded(
  client: pg.ClientBase,
  fact: string,
  run: RunId,
): Promise<{ slices: SliceId[]; rows: number }> {
  const { rows } = await client.query<{ slices: SliceId[]; rows: number }>(
    `select coalesce(array_agg(distinct slice), '{}') as slices, coalesce(sum(rows), 0)::float8 as rows
     from ${ledgerTable} where warehouse_table = $1 and run = $2`,
    [fact, run],
  );
  return rows[0] ?? { slices: [], rows: 0 };
}
