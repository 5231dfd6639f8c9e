import type pg from 'pg';
import { warehouseLocks } from '../ledger/schema/ledger-schema.ts';
import { quoteIdentifier, quoteQualified } from '../postgres/identifier.ts';
import { inTransaction } from '../postgres/transaction.ts';
import type { Relation, RelationColumn } from './relation.ts';

/** A column that a table of an older version has to get, and can be loaded without. */
export interface Lacking {
  relation: Relation;
  column: RelationColumn;
}

/** What the table's owner has to run. */
export const addStatement = ({ relation: { schema, name }, column }: Lacking): string =>
  `alter table ${quoteQualified(schema, name)} add column if not exists ${quoteIdentifier(column.name)} ${column.type}`;

/** Everybody who reads the table waits behind a statement that waits for it. */
const lockTimeoutMs = 2000;
/** Not the owner; a lock. */
const passedOver: readonly unknown[] = ['42501', '55P03'];

/** Adds the columns that tables of an older version lack. A table that is another role's, or locked, is left as it is. */
export async function addLacking(client: pg.ClientBase, lacking: readonly Lacking[]): Promise<void> {
  for (const each of lacking) {
    try {
      await inTransaction(client, async () => {
        await client.query('select pg_advisory_xact_lock($1, $2)', [...warehouseLocks.tables]);
        await client.query(`set local lock_timeout = ${lockTimeoutMs}`);
        await client.query(addStatement(each));
      });
    } catch (error) {
      if (!passedOver.includes((error as { code?: unknown }).code)) throw error;
    }
  }
}
