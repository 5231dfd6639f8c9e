import type pg from 'pg';
import type { Dimension, Fact, Model } from '../model/model.ts';
import {
  formatRevisionPrefix,
  type ProcessedKey,
  parseObjectKey,
  type RunId,
} from '../object-store/object-key.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { inTransaction } from '../postgres/transaction.ts';
import { readRunRecord } from '../records/plan/run-record.ts';
import { isAccountedFor, makeKnownSlices, type SliceId } from '../records/plan/slices.ts';
import { isCensus, ledgerTable, tableTable } from './schema/ledger-schema.ts';

/**
 * Notes that tables are loaded once more from S3: until the ledger has seen the newest object of each slice again, a check
 * of their rows calls them unfinished.
 *
 * Call it before the first object is sent, and once the tables exist.
 *
 * @param tables dimensions and facts
 */
export async function beginRebuild(
  client: pg.ClientBase,
  schema: string,
  tables: readonly string[],
): Promise<void> {
  const note = () =>
    client.query(
      `insert into ${tableTable} as t (warehouse_table, oid, file_node, deleted, is_equal, rebuild_started_at)
     select wanted.name, c.oid::int8, pg_relation_filenode(c.oid)::int8,
            coalesce(pg_stat_get_tuples_deleted(c.oid), 0), false, clock_timestamp()
       from unnest($2::text[]) as wanted (name)
       join pg_class c on c.oid = to_regclass(quote_ident($1) || '.' || quote_ident(wanted.name))
     on conflict (warehouse_table) do update
       set is_equal = false, noted_at = clock_timestamp(), rebuild_started_at = excluded.rebuild_started_at`,
      [schema, tables],
    );
  await inTransaction(client, note);
}

/** A slice that has an object in the ledger. */
export interface EnteredSlice {
  run: RunId;
  slice: SliceId;
  /** The greatest one. */
  revision: number;
}

/** All slices of a warehouse table that were ever loaded. */
export async function selectEnteredSlices(client: pg.ClientBase, table: string): Promise<EnteredSlice[]> {
  const { rows } = await client.query<EnteredSlice>(
    `select run, slice, max(revision) as revision from ${ledgerTable} o where warehouse_table = $1 and not ${isCensus('o')} group by run, slice`,
    [table],
  );
  return rows;
}

export interface SettleDeps {
  ingested: Pick<ObjectStore, 'get'>;
  processed: Pick<ObjectStore, 'list'>;
  model: Model;
}

/**
 * Lets a rebuild end whose objects S3 has lost: once all of the table was read from the source in full and is loaded, the
 * lost objects have nothing to add but what the source no longer has, such as the earlier versions of a fact.
 *
 * @param client the warehouse's, which has all of its tables
 * @returns the keys that are given up
 */
export async function settleRebuilds(client: pg.ClientBase, deps: SettleDeps): Promise<string[]> {
  const lost: string[] = [];
  // In one statement: a run asks it, and most often no table is being rebuilt.
  const entries = await selectUnloaded(client);
  for (const table of deps.model.tables) {
    if (table.kind === 'calendar') continue;
    const unloaded = entries.filter((entry) => entry.table === table.name);
    if (unloaded.length === 0) continue;
    const fullRun = await findFullRun(client, deps.ingested, table);
    if (fullRun === undefined) continue;
    for (const { key, run, slice, revision } of unloaded) {
      if (run >= fullRun) continue;
      const wanted: ProcessedKey = { zone: 'processed', table: table.name, run, slice, revision };
      if (await isStored(deps.processed, wanted)) continue;
      await client.query(`update ${ledgerTable} set lost_at = clock_timestamp() where key = $1`, [key]);
      lost.push(key);
    }
  }
  return lost;
}

/**
 * An SQL condition: a rebuild waits for this entry. A census is due again once rows come that are older. The entry is of the newest revision of its slice, and was not loaded since the
 * rebuild began.
 *
 * @param entry the alias of a ledger entry
 * @param startedAt an SQL expression: when the rebuild began
 */
export const isUnloaded = (entry: string, startedAt: string): string =>
  `${entry}.loaded_at < ${startedAt} and ${entry}.lost_at is null and not ${isCensus(entry)}
   and not exists (select from ${ledgerTable} newer
                    where newer.warehouse_table = ${entry}.warehouse_table and newer.run = ${entry}.run
                      and newer.slice = ${entry}.slice and newer.revision > ${entry}.revision)`;

/** Of all tables that are being rebuilt. */
async function selectUnloaded(
  client: pg.ClientBase,
): Promise<(EnteredSlice & { table: string; key: string })[]> {
  const { rows } = await client.query<EnteredSlice & { table: string; key: string }>(
    `select t.warehouse_table as table, o.key, o.run, o.slice, o.revision
       from ${tableTable} t join ${ledgerTable} o on o.warehouse_table = t.warehouse_table
      where t.rebuild_started_at is not null and ${isUnloaded('o', 't.rebuild_started_at')}`,
  );
  return rows;
}

/** @returns the newest run that read the whole table after its rebuild began and is fully loaded */
async function findFullRun(
  client: pg.ClientBase,
  ingested: Pick<ObjectStore, 'get'>,
  { name, source }: Dimension | Fact,
): Promise<RunId | undefined> {
  const { rows } = await client.query<{ run: RunId; slices: SliceId[] }>(
    `select o.run, array_agg(distinct o.slice) as slices
       from ${tableTable} t join ${ledgerTable} o on o.warehouse_table = t.warehouse_table
      where t.warehouse_table = $1 and o.entered_at > t.rebuild_started_at
      group by o.run order by o.run desc`,
    [name],
  );
  for (const { run, slices } of rows) {
    const record = await readRunRecord(ingested, run);
    const planned = record?.slices.filter(({ table }) => table === source.name) ?? [];
    if (planned.length === 0 || !planned.every(({ full }) => full)) continue;
    const loaded = makeKnownSlices();
    for (const slice of slices) loaded.add(name, { run, slice });
    if (planned.every(({ slice }) => isAccountedFor(loaded, name, { run, slice }))) return run;
  }
  return undefined;
}

async function isStored(processed: Pick<ObjectStore, 'list'>, key: ProcessedKey): Promise<boolean> {
  for await (const { key: text } of processed.list(formatRevisionPrefix(key))) {
    const stored = parseObjectKey(text);
    if (stored.zone === 'processed' && stored.revision >= key.revision) return true;
  }
  return false;
}
