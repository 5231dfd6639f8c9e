import type pg from 'pg';
import { bindingTable, ledgerTable } from '../../../shared/ledger/schema/ledger-schema.ts';
import { formatObjectKey } from '../../../shared/object-store/object-key.ts';
import { deletedByColumn } from '../../../shared/warehouse/warehouse-schema.ts';
import type { ProcessedObject } from './read-processed.ts';

export interface LedgerEntry {
  /** Of the model that the warehouse's tables are made by; null where nobody has noted it. */
  modelNumber: number | null;
  /** Decimal digits. */
  objectId: string;
  /** It was not in the ledger before. */
  isNew: boolean;
  /**
   * How many keys it can have added. The earlier revision of the same slice has counted its own: where the table lost those,
   * this one only brings them back.
   */
  maxAdded: number;
  /** Those of the written tables that have the column of deletes. */
  marked: string[];
}

type EnteredRow = Omit<LedgerEntry, 'maxAdded'> & { before: number | null };

/**
 * Enters the object in the ledger, to be committed with its rows. Waits for a concurrent load of the same object to
 * end.
 *
 * @param replay an object that is in the ledger already keeps its id, and is loaded once more
 * @returns undefined if the object is in the ledger already
 */
export async function enterInLedger(
  client: pg.ClientBase,
  { key, metadata }: Pick<ProcessedObject, 'key' | 'metadata'>,
  { replay, written, schema }: { replay: string | undefined; written: readonly string[]; schema: string },
): Promise<LedgerEntry | undefined> {
  const { version, rows, quarantined } = metadata;
  const { rows: entered } = await client.query<EnteredRow>(
    `insert into ${ledgerTable}
       (key, warehouse_table, run, slice, rows, quarantined, generation, snapshot_xmax, snapshot_xmin, tie, revision)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     on conflict (key) ${replay === undefined ? 'do nothing' : 'do update set loaded_at = clock_timestamp()'}
     returning object_id::text as "objectId", xmax = 0 as "isNew",
               (select model_number from ${bindingTable}) as "modelNumber",
               (select o.rows::float8 from ${ledgerTable} o
                 where o.warehouse_table = $2 and o.run = $3 and o.slice = $4 and o.revision < $11
                 order by o.revision desc limit 1) as before,
               array(select wanted.name from unnest($12::text[]) as wanted (name)
                 join pg_attribute a on a.attrelid = to_regclass(quote_ident($13) || '.' || quote_ident(wanted.name))
                where a.attname = '${deletedByColumn}' and not a.attisdropped) as marked`,
    [
      formatObjectKey(key),
      key.table,
      key.run,
      key.slice,
      rows,
      quarantined,
      version.generation,
      version.xmax,
      version.xmin,
      version.tie,
      key.revision,
      written,
      schema,
    ],
  );
  const [entry] = entered;
  if (entry === undefined) return undefined;
  const { before, ...rest } = entry;
  return { ...rest, maxAdded: rows - Math.min(rows, before ?? 0) };
}

/** The rows that the warehouse could not read count as those that the transform has left out. */
export async function enterQuarantined(client: pg.ClientBase, objectId: string, rows: number): Promise<void> {
  await client.query(
    `update ${ledgerTable} set rows = rows - $2, quarantined = quarantined + $2 where object_id = $1`,
    [objectId, rows],
  );
}
