import type pg from 'pg';
import { TerminalError } from '../errors.ts';
import { quoteLiteral } from '../postgres/identifier.ts';
import { inTransaction } from '../postgres/transaction.ts';
import { warehouseLocks } from './advisory-locks.ts';
import { ledgerSchema, migrationTable } from './ledger-schema.ts';
import { migrations } from './migrations.ts';

/**
 * Brings the pipeline's own tables to their newest shape if an older version made them. It makes none.
 *
 * @throws {TerminalError} a newer version of Starlift has made them
 */
export async function migrateLedger(client: pg.ClientBase): Promise<void> {
  if ((await readMigration(client)) === migrations.length) return;
  await inTransaction(client, async () => {
    await client.query('select pg_advisory_xact_lock($1, $2)', [...warehouseLocks.tables]);
    const applied = await readMigration(client);
    if (applied > migrations.length) throw madeByNewer(applied);
    await client.query(
      `create table if not exists ${migrationTable} (
         "number" int not null primary key, "applied_at" timestamptz not null default clock_timestamp())`,
    );
    for (const [index, migration] of migrations.entries()) {
      if (index < applied) continue;
      await client.query(migration);
      await client.query(`insert into ${migrationTable} (number) values ($1)`, [index + 1]);
    }
  });
}

/** @returns the newest migration that these tables have had; if there are none, the one that new tables have */
async function readMigration(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ isNumbered: boolean; isMade: boolean }>(
    `select to_regclass('${migrationTable}') is not null as "isNumbered",
            exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                     where n.nspname = ${quoteLiteral(ledgerSchema)} and c.relkind = 'r') as "isMade"`,
  );
  if (rows[0]?.isNumbered !== true) return rows[0]?.isMade === true ? 0 : migrations.length;
  const { rows: applied } = await client.query<{ newest: number }>(
    `select coalesce(max(number), 0) as newest from ${migrationTable}`,
  );
  return applied[0]?.newest ?? 0;
}

const madeByNewer = (applied: number): TerminalError =>
  new TerminalError(
    `the warehouse's schema ${ledgerSchema} is at migration ${applied}, and this version of Starlift knows ${migrations.length}: update Starlift`,
  );
