import type pg from 'pg';
import { quoteIdentifier, quoteQualified } from '../../postgres/identifier.ts';
import { ledgerSchema } from './ledger-schema.ts';

/**
 * Gives what the pipeline's own tables say of a warehouse table to another name, in the caller's transaction. Nothing of the
 * other name is overwritten: where there is one entry for each table, the earlier one is dropped.
 */
export async function renameInLedger(client: pg.ClientBase, from: string, to: string): Promise<void> {
  for (const { name, isSingle } of await selectTables(client)) {
    const table = quoteQualified(ledgerSchema, name);
    if (isSingle) await client.query(`delete from ${table} where ${column} = $1`, [to]);
    await client.query(`update ${table} set ${column} = $2 where ${column} = $1`, [from, to]);
  }
}

const column = quoteIdentifier('warehouse_table');

/** Those with a row for each warehouse table, or several: found by the column, so that none is forgotten. */
async function selectTables(client: pg.ClientBase): Promise<{ name: string; isSingle: boolean }[]> {
  const { rows } = await client.query<{ name: string; isSingle: boolean }>(
    `select c.relname as name,
            exists (select from pg_index i where i.indrelid = c.oid and i.indisunique
                      and i.indnkeyatts = 1 and i.indkey[0] = a.attnum) as "isSingle"
       from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.relnamespace = to_regnamespace($1) and c.relkind in ('r', 'p')
        and a.attname = 'warehouse_table' and not a.attisdropped
      order by c.relname`,
    [ledgerSchema],
  );
  return rows;
}
