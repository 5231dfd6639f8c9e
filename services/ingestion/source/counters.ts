import { toPipelineError } from '../../../shared/classify-error.ts';
import { TerminalError } from '../../../shared/errors.ts';
import { sourceNameOf } from '../../../shared/model/source-name.ts';
import type { Statements } from './statements.ts';
import { type AssessedTable, relationNamesOf, type UsableTable } from './tables.ts';

/** What the server's statistics say of the tables' writes. */
export interface WriteCounters {
  /**
   * Of all tables that make up the rows of one, by its name: while it stays the same, no write has been reported. Absent where
   * the server has none that can be relied on.
   */
  byTable: ReadonlyMap<string, string>;
  /** Why this role may not ask, in words. */
  problem?: string;
}

/** From this version on the statistics are in shared memory: what a session has reported is seen at once, and not lost. */
const firstWithSharedStatistics = 150_000;

/**
 * Reads how many rows were inserted, updated and deleted in each table so far. It must be read before the snapshot in which the
 * tables are looked at: a write that the snapshot misses then moves the counters later.
 *
 * The counters are a hint. A session reports what it has committed when it is idle outside of a transaction, and some never do.
 */
export async function readWriteCounters(
  source: Statements,
  tables: readonly AssessedTable[],
): Promise<WriteCounters> {
  const usable = tables.flatMap((assessed) => ('problem' in assessed ? [] : [assessed]));
  const oidsOf = new Map(usable.map((each) => [each.table.name, listOids(each)]));
  const oids = [...new Set([...oidsOf.values()].flat())];
  if (oids.length === 0) return { byTable: new Map() };
  try {
    const server = await selectServer(source);
    if (server === undefined) return { byTable: new Map() };
    const counted = await selectCounters(source, oids);
    const byTable = [...oidsOf].map(([table, own]): [string, string] => [
      table,
      [server, ...own.map((oid) => counted.get(oid))].join(' '),
    ]);
    return { byTable: new Map(byTable) };
  } catch (thrown) {
    const error = toPipelineError(thrown);
    if (!(error instanceof TerminalError)) throw error;
    return { byTable: new Map(), problem: error.message };
  }
}

/** The table's own and those of the tables that are joined to it, with all of their parts. */
const listOids = ({ table, relations }: UsableTable): string[] =>
  relationNamesOf(table).flatMap((name) =>
    (relations.get(sourceNameOf(name))?.members ?? []).map(({ oid }) => oid),
  );

/**
 * What gives all counters another meaning when it changes. A reset begins them anew, and they may come to the same numbers
 * again; a crash resets them as well. One of a single session leaves the start time as it was, and one of the server the
 * database's reset time.
 *
 * @returns undefined on a standby, which does not count its primary's writes, and on versions that lose reports
 */
async function selectServer(source: Statements): Promise<string | undefined> {
  const { rows } = await source.query<{ server: string | null }>(`
    select case when current_setting('server_version_num')::int >= ${firstWithSharedStatistics} and not pg_is_in_recovery()
                then concat_ws(' ', extract(epoch from pg_postmaster_start_time()),
                               extract(epoch from pg_stat_get_db_stat_reset_time(oid)),
                               extract(epoch from pg_stat_get_bgwriter_stat_reset_time()))
           end as server
      from pg_database
     where datname = current_database()`);
  return rows[0]?.server ?? undefined;
}

/** By oid: the oid, the file of the rows, and what was inserted, updated and deleted. */
async function selectCounters(
  source: Statements,
  oids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await source.query<{ oid: string; counted: string }>(`
    select oid::text as oid,
           concat_ws(':', oid, coalesce(pg_relation_filenode(oid), 0), pg_stat_get_tuples_inserted(oid),
                     pg_stat_get_tuples_updated(oid), pg_stat_get_tuples_deleted(oid)) as counted
      from unnest('{${oids.join(',')}}'::oid[]) as oid`);
  return new Map(rows.map(({ oid, counted }) => [oid, counted]));
}
