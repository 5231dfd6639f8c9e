import type pg from 'pg';
import type { Calendar, Model } from '../model/model.ts';
import { quoteIdentifier, quoteQualified } from '../postgres/identifier.ts';
import { inSnapshot, inTransaction } from '../postgres/transaction.ts';
import { selectNamedDays } from '../warehouse/named-days.ts';
import { isUnloaded } from './rebuild.ts';
import { ledgerTable, rowChangeTable, tableTable } from './schema/ledger-schema.ts';

/** What a check of a star table's rows has found. */
export interface TableCount {
  table: string;
  /**
   * - `equal`: it holds what was loaded into it, or nothing has happened since that was so
   * - `different`: it holds more rows or fewer
   * - `missing`: rows were loaded into it, and it is gone
   * - `rebuilding`: objects that a rebuild has sent are not loaded yet
   * - `forbidden`: the connection's role may not read it
   */
  state: 'equal' | 'different' | 'missing' | 'rebuilding' | 'forbidden';
  /** Rows that were loaded into it and not removed by a load. */
  loaded: number;
  /** Rows in it, of the calendar only those that are named; null where they were not counted. */
  holds: number | null;
  /** Objects that a rebuild has sent and that are not loaded yet. */
  unloaded: number;
  /** That may not read it. */
  role?: string;
}

/**
 * Checks that each dimension and fact still holds the rows that were loaded into it, and the calendar the days that these
 * name.
 *
 * Rows are counted only where something happened to a table that no load does: it is another table, its rows lie in
 * another file (TRUNCATE, VACUUM FULL), or rows were deleted. Anything else is a few catalog queries.
 *
 * Claim: at any snapshot a table holds the sum of what its objects' entries and its row changes say. Each load commits
 * the keys that it adds with them, and whatever else adds or removes rows does so too.
 *
 * @param mayNote whether to remember what was found, so that the next check need not count again
 * @returns one for each table, in the model's order
 * @throws {pg.DatabaseError} such as 42P01 where the ledger is not there
 */
export async function checkTables(
  client: pg.ClientBase,
  { model, schema }: { model: Model; schema: string },
  { mayNote }: { mayNote: boolean },
): Promise<TableCount[]> {
  const names = model.tables.map(({ name }) => name);
  const counts: TableCount[] = [];
  for (const now of await selectTables(client, schema, names)) {
    if (now.isForbidden) {
      const { table, loaded, role } = now;
      counts.push({ table, state: 'forbidden', loaded, holds: null, unloaded: 0, role });
      continue;
    }
    if (isAsNoted(now)) {
      counts.push({ table: now.table, state: 'equal', loaded: now.loaded, holds: null, unloaded: 0 });
      continue;
    }
    const { calendar } = model;
    const isCalendar = now.table === calendar?.name;
    // It reads all facts, and is worth that only once.
    if (isCalendar && now.noted === null && !mayNote) {
      counts.push({ table: now.table, state: 'equal', loaded: now.loaded, holds: null, unloaded: 0 });
      continue;
    }
    const count = await inSnapshot(client, () =>
      isCalendar ? countDays(client, model, { schema, calendar }, now) : countTable(client, schema, now),
    );
    if (mayNote && now.oid !== null) await note(client, now, count);
    counts.push(count);
  }
  return counts;
}

/** What a table is at an instant, by what changes whenever something other than a load takes rows out of it. */
export interface TableNow {
  table: string;
  /** null where there is no such table. */
  oid: string | null;
  fileNode: string | null;
  /** Whether it is there, and this role may not read it. */
  isForbidden: boolean;
  /** Of the connection. */
  role: string;
  /** Rows that statements have deleted, by the server's statistics. */
  deleted: string;
  noted: {
    oid: string;
    fileNode: string | null;
    deleted: string;
    isEqual: boolean;
    /** null where no rebuild is under way. */
    rebuildStartedAt: string | null;
  } | null;
  loaded: number;
  /** Objects whose keys an older version has not counted. */
  uncounted: number;
}

const isAsNoted = ({ oid, fileNode, deleted, noted, loaded }: TableNow): boolean =>
  noted === null
    ? oid === null && loaded === 0
    : noted.isEqual &&
      noted.rebuildStartedAt === null &&
      noted.oid === oid &&
      noted.fileNode === fileNode &&
      noted.deleted === deleted;

/** @throws {pg.DatabaseError} such as 42P01 where the ledger is not there */
export async function selectTables(
  client: pg.ClientBase,
  schema: string,
  names: readonly string[],
): Promise<TableNow[]> {
  const { rows } = await client.query<TableNow>(
    `select wanted.name as table, c.oid::text, pg_relation_filenode(c.oid)::text as "fileNode",
            coalesce(not has_table_privilege(c.oid, 'select'), false) as "isForbidden", current_user as role,
            coalesce(pg_stat_get_tuples_deleted(c.oid), 0)::text as deleted,
            case when n.warehouse_table is not null then json_build_object(
              'oid', n.oid::text, 'fileNode', n.file_node::text, 'deleted', n.deleted::text,
              'isEqual', n.is_equal, 'rebuildStartedAt', n.rebuild_started_at) end as noted,
            ${loadedOf('wanted.name')}::float8 as loaded,
            (select count(*) from ${ledgerTable} where warehouse_table = wanted.name and added is null)::float8 as uncounted
       from unnest($2::text[]) with ordinality as wanted (name, place)
       left join pg_class c on c.oid = to_regclass(quote_ident($1) || '.' || quote_ident(wanted.name))
       left join ${tableTable} n on n.warehouse_table = wanted.name
      order by wanted.place`,
    [schema, names],
  );
  return rows;
}

const loadedOf = (table: string): string => `(
  (select coalesce(sum(added), 0) from ${ledgerTable} where warehouse_table = ${table}) +
  (select coalesce(sum(rows), 0) from ${rowChangeTable} where warehouse_table = ${table}))`;

async function countTable(client: pg.ClientBase, schema: string, now: TableNow): Promise<TableCount> {
  const { table, oid } = now;
  if (oid === null) {
    const { loaded } = now;
    const state = loaded > 0 || now.uncounted > 0 ? 'missing' : 'equal';
    return { table, state, loaded, holds: null, unloaded: 0 };
  }
  const { rows } = await client.query<{ holds: number; loaded: number }>(
    `select (select count(*) from ${quoteQualified(schema, table)})::float8 as holds, ${loadedOf('$1')}::float8 as loaded`,
    [table],
  );
  const { holds = 0, loaded = 0 } = rows[0] ?? {};
  const unloaded = await countUnloaded(client, now);
  // Of what an older version has loaded nobody knows the keys: the first count is what it is measured by.
  const isFirst = now.noted === null && now.uncounted > 0;
  if (unloaded > 0) return { table, state: 'rebuilding', loaded, holds, unloaded };
  const isEqual = holds === loaded || isFirst || isRebuilt(now);
  return { table, state: isEqual ? 'equal' : 'different', loaded, holds, unloaded };
}

/** Its rows are made of dates, and no load enters how many it has added. */
async function countDays(
  client: pg.ClientBase,
  model: Model,
  { schema, calendar }: { schema: string; calendar: Calendar },
  { oid }: TableNow,
): Promise<TableCount> {
  if (oid === null) {
    const { rows } = await client.query<{ loaded: number }>(
      `select coalesce(sum(rows), 0)::float8 as loaded from ${ledgerTable} where warehouse_table = $1`,
      [calendar.name],
    );
    const loaded = rows[0]?.loaded ?? 0;
    const state = loaded > 0 ? 'missing' : 'equal';
    return { table: calendar.name, state, loaded, holds: null, unloaded: 0 };
  }
  const { named, missing } = await selectNamedDays(client, model, { schema, calendar });
  const table = calendar.name;
  if (missing.length === 0) return { table, state: 'equal', loaded: named, holds: null, unloaded: 0 };
  return { table, state: 'different', loaded: named, holds: named - missing.length, unloaded: 0 };
}

const isRebuilt = ({ noted }: TableNow): boolean => noted !== null && noted.rebuildStartedAt !== null;

async function countUnloaded(client: pg.ClientBase, { table, noted }: TableNow): Promise<number> {
  if (noted === null || noted.rebuildStartedAt === null) return 0;
  const { rows } = await client.query<{ unloaded: number }>(
    `select count(*)::float8 as unloaded
       from ${ledgerTable} o where o.warehouse_table = $1 and ${isUnloaded('o', '$2::timestamptz')}`,
    [table, noted.rebuildStartedAt],
  );
  return rows[0]?.unloaded ?? 0;
}

async function note(
  client: pg.ClientBase,
  { table, oid, fileNode, deleted, noted }: TableNow,
  { state, loaded, holds }: TableCount,
): Promise<void> {
  if (state === 'missing') return;
  const isEqual = state === 'equal';
  await inTransaction(client, async () => {
    // A second check that has found the same waits here, and finds the noted values changed.
    const { rowCount } = await client.query(
      `insert into ${tableTable} as t (warehouse_table, oid, file_node, deleted, is_equal)
       values ($1, $2, $3, $4, $5)
       on conflict (warehouse_table) do update
         set oid = excluded.oid, file_node = excluded.file_node, deleted = excluded.deleted,
             is_equal = excluded.is_equal, noted_at = clock_timestamp(),
             rebuild_started_at = case when excluded.is_equal then null else t.rebuild_started_at end
         where (t.oid, t.file_node, t.deleted, t.is_equal) is not distinct from
               ($6::int8, $7::int8, $8::int8, $9::boolean)`,
      [
        table,
        oid,
        fileNode,
        deleted,
        isEqual,
        noted?.oid ?? null,
        noted?.fileNode ?? null,
        noted?.deleted ?? null,
        noted?.isEqual ?? null,
      ],
    );
    if (rowCount === 1 && isEqual && holds !== null && holds !== loaded) {
      await changeRows(client, table, holds - loaded, noted === null ? 'counted first' : 'rebuilt');
    }
  });
}

/**
 * Enters that a table has more rows or fewer for another reason than an object's load. To be committed with those rows.
 *
 * @param rows above 0 for rows that were added
 */
export async function changeRows(
  client: pg.ClientBase,
  table: string,
  rows: number,
  reason:
    | 'released'
    | 'doubles dropped'
    | 'counted first'
    | 'rebuilt'
    | 'ledger made again'
    | 'loaded'
    | 'deleted in the source'
    | 'forgotten',
): Promise<void> {
  if (rows === 0) return;
  await client.query(`insert into ${rowChangeTable} (warehouse_table, rows, reason) values ($1, $2, $3)`, [
    table,
    rows,
    reason,
  ]);
}

/**
 * Enters the keys that a load has added, to be committed with its rows. A replay of the object keeps what it added first: where
 * rows were lost since, it only brings them back. Callers must not use it for a table that rows are removed from by censuses,
 * because those are counted each time.
 */
export async function enterAdded(client: pg.ClientBase, objectId: string, added: number): Promise<void> {
  if (added === 0) return;
  await client.query(`update ${ledgerTable} set ${quoteIdentifier('added')} = $2 where object_id = $1`, [
    objectId,
    added,
  ]);
}

/**
 * Notes that a table holds all that it should, where the caller has just seen to that: the next check need not read it.
 *
 * @param before what the table was before the caller looked at its rows: whatever happens to it since then shows
 */
export async function noteComplete(client: pg.ClientBase, before: TableNow): Promise<void> {
  const { table, loaded } = before;
  if (before.oid === null) return;
  await note(client, before, { table, state: 'equal', loaded, holds: null, unloaded: 0 });
}

/** The rows that each table should have, from the ledger alone. */
export async function selectLoadedRows(
  client: pg.ClientBase,
  names: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await client.query<{ table: string; loaded: number }>(
    `select wanted.name as table, ${loadedOf('wanted.name')}::float8 as loaded from unnest($1::text[]) as wanted (name)`,
    [names],
  );
  return new Map(rows.map(({ table, loaded }) => [table, loaded]));
}
