import type pg from 'pg';
import { formatObjectKey, type ProcessedKey } from '../../../shared/object-store/object-key.ts';
import type { ProcessedMetadata } from '../../../shared/object-store/object-metadata.ts';
import { ledgerTable } from '../../../shared/warehouse/ledger-schema.ts';

export async function isInLedger(client: pg.ClientBase, key: string): Promise<boolean> {
  const { rowCount } = await client.query(`select from ${ledgerTable} where key = $1`, [key]);
  return rowCount === 1;
}

/** Which of the keys are in the ledger. */
export async function selectLoadedKeys(client: pg.ClientBase, keys: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ key: string }>(`select key from ${ledgerTable} where key = any($1)`, [
    keys,
  ]);
  return rows.map(({ key }) => key);
}

export interface LedgerEntry {
  key: ProcessedKey;
  metadata: ProcessedMetadata;
}

/**
 * Enters the object, to be committed with its rows. Waits for another load of the same object to end.
 *
 * @returns the object's id, as decimal digits; undefined where the object is in the ledger already
 */
export function enterInLedger(client: pg.ClientBase, entry: LedgerEntry): Promise<string | undefined> {
  return insertEntry(client, entry, 'do nothing');
}

/** The same for a replay: an object that is in the ledger already keeps its id and is loaded once more. */
export function enterAgain(client: pg.ClientBase, entry: LedgerEntry): Promise<string | undefined> {
  return insertEntry(client, entry, 'do update set loaded_at = clock_timestamp()');
}

async function insertEntry(
  client: pg.ClientBase,
  { key, metadata }: LedgerEntry,
  onConflict: string,
): Promise<string | undefined> {
  const { version, rows, quarantined } = metadata;
  const { rows: entered } = await client.query<{ object_id: string }>(
    `insert into ${ledgerTable}
       (key, warehouse_table, run, slice, rows, quarantined, generation, snapshot_xmax, snapshot_xmin, tie, revision)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     on conflict (key) ${onConflict}
     returning object_id::text`,
    [
      ...[formatObjectKey(key), key.table, key.run, key.slice, rows, quarantined],
      ...[version.generation, version.xmax, version.xmin, version.tie, key.revision],
    ],
  );
  return entered[0]?.object_id;
}
