import type pg from 'pg';
import { quoteLiteral } from './identifier.ts';

/** Who holds a table under a lock that keeps readers or writers out. */
export interface LockHolder {
  table: string;
  pid: number;
  /** When its transaction began, ISO 8601; null where the role may not see that of others. */
  since: string | null;
  /** The holder's application_name; null where it has none, or the role may not see it. */
  application: string | null;
}

interface Queryable {
  query<Row extends pg.QueryResultRow>(sql: string): Promise<{ rows: Row[] }>;
}

/** A table that may be locked. */
export interface LockableTable {
  schema: string;
  table: string;
  /** How it is named to people. */
  name: string;
}

/** Tables of one schema, each by its own name. */
export const tablesIn = (schema: string, tables: readonly string[]): LockableTable[] =>
  tables.map((table) => ({ schema, table, name: table }));

/**
 * Finds who holds one of the tables, or a partition of one. Of several, the one that has held it the longest.
 *
 * @param source takes one statement without parameters; not in a transaction that has failed
 * @param weakestMode the least lock that is in the way: `ShareLock` for writers, `AccessExclusiveLock` for readers
 * @returns undefined where nobody holds them any more
 */
export async function findLockHolder(
  source: Queryable,
  tables: readonly LockableTable[],
  weakestMode: 'ShareLock' | 'AccessExclusiveLock',
): Promise<LockHolder | undefined> {
  const modes = weakestMode === 'ShareLock' ? inTheWayOfWriters : ['AccessExclusiveLock'];
  const { rows } = await source.query<LockHolder>(`
    with recursive member as (
      select c.oid, wanted.name
        from (values ${tables.map(formatWanted).join(', ')}) as wanted (nspname, relname, name)
        join pg_namespace n on n.nspname = wanted.nspname
        join pg_class c on c.relnamespace = n.oid and c.relname = wanted.relname
       union
      select i.inhrelid, member.name from member join pg_inherits i on i.inhparent = member.oid
    )
    select member.name as table,
           l.pid,
           to_char(a.xact_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as since,
           nullif(a.application_name, '') as application
      from pg_locks l
      join member on member.oid = l.relation
      left join pg_stat_activity a on a.pid = l.pid
     where l.granted
       and l.database = (select oid from pg_database where datname = current_database())
       and l.pid is not null
       and l.pid <> pg_backend_pid()
       and l.mode in (${modes.map(quoteLiteral).join(', ')})
     order by a.xact_start nulls last
     limit 1`);
  return rows[0];
}

/** A row of `wanted (nspname, relname, name)` in a query's `values`. */
export const formatWanted = ({ schema, table, name }: LockableTable): string =>
  `(${[schema, table, name].map(quoteLiteral).join(', ')})`;

const inTheWayOfWriters = ['ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'];

/** Such as `staff is locked by pid 3724 (psql) since 2026-11-30 22:03:22 UTC`. */
export function describeLock({ table, pid, since, application }: LockHolder): string {
  const who = application === null ? `pid ${pid}` : `pid ${pid} (${application})`;
  const when = since === null ? '' : ` since ${since.slice(0, 19).replace('T', ' ')} UTC`;
  return `${table} is locked by ${who}${when}`;
}
