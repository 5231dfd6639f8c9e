import { type Attempt, type Aurora, findAurora } from './log.ts';
import type { Statements } from './statements.ts';

/** `trusted`: a restart of the source does not change its identity, because its data folder is our own. */
export type SourceRestart = (typeof sourceRestarts)[number];

export const sourceRestarts = ['identity', 'trusted'] as const;

export interface SourceIdentity {
  /** Of the server and of its current life, as one string: xids of two identities cannot be compared. */
  identity: string;
  /** Of the server and the database, for as long as they exist: oids of two databases cannot be compared. */
  database: string;
  /** Of the log that the server writes or follows; undefined where it does not tell. */
  timeline: number | undefined;
}

/** @param attempt where it is called within a transaction, which a refusal of Aurora would abort */
export const readIdentity = async (
  source: Statements & { host: string },
  restart: SourceRestart,
  attempt?: Attempt,
): Promise<string> => (await readSourceIdentity(source, restart, await findAurora(source, attempt))).identity;

/**
 * @param restart `trusted` omits the start time: the caller guarantees that no crash undoes what was seen
 * @param aurora what is known of the source's cluster; undefined for Postgres
 */
export async function readSourceIdentity(
  source: Statements & { host: string },
  restart: SourceRestart,
  aurora: Aurora | undefined,
): Promise<SourceIdentity> {
  if (aurora !== undefined) return describeAurora(source, restart, aurora);
  const rights = await selectControlFileRights(source);
  const { system, databaseOid, timeline, startedAt, inRecovery } = await selectIdentity(source, rights);
  const database = [rights.system ? system : `${source.host} ${system}`, databaseOid];
  const life = [timeline, restart === 'trusted' ? 'trusted' : startedAt, inRecovery];
  return {
    identity: JSON.stringify([...database, ...life]),
    database: JSON.stringify(database),
    timeline: inRecovery ? (rights.timeline ? Number(timeline) : undefined) : Number.parseInt(timeline, 16),
  };
}

/**
 * A failover makes another instance the writer, and a crash or a restart has another start time: each begins a generation, for
 * what was visible shortly before may not have been durable.
 */
async function describeAurora(
  source: Statements & { host: string },
  restart: SourceRestart,
  { system, instance }: Aurora,
): Promise<SourceIdentity> {
  const { rows } = await source.query<Omit<IdentityRow, 'system' | 'timeline'> & { address: string }>(`
    select concat_ws(':', inet_server_addr(), inet_server_port()) as address,
           (select oid::text from pg_database where datname = current_database()) as "databaseOid",
           ${startedAtSql} as "startedAt",
           pg_is_in_recovery() as "inRecovery"`);
  const { address, databaseOid, startedAt, inRecovery } = rows[0] as (typeof rows)[number];
  const database = ['aurora', system ?? source.host, databaseOid];
  const life = [instance ?? address, restart === 'trusted' ? 'trusted' : startedAt, inRecovery];
  return {
    identity: JSON.stringify([...database, ...life]),
    database: JSON.stringify(database),
    timeline: undefined,
  };
}

const startedAtSql = `to_char(pg_postmaster_start_time() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')`;

/** What distinguishes one server, and one run of it, from another. */
interface IdentityRow {
  /** system_identifier, or the server's address where pg_control_system is not granted. */
  system: string;
  databaseOid: string;
  /** Hexadecimal on a primary, decimal on a standby; its address where the control file's functions are not granted. */
  timeline: string;
  startedAt: string;
  inRecovery: boolean;
}

/** Which of the functions that read the control file this role may call; some managed services grant none. */
interface ControlFileRights {
  system: boolean;
  timeline: boolean;
}

/**
 * Asked first, because a refusal would abort the extract's transaction: Postgres checks the right to call a function
 * even where a `case` would never call it.
 */
async function selectControlFileRights(source: Statements): Promise<ControlFileRights> {
  const { rows } = await source.query<ControlFileRights>(`
    select has_function_privilege('pg_control_system()', 'execute') as system,
           has_function_privilege('pg_control_checkpoint()', 'execute')
             and has_function_privilege('pg_control_recovery()', 'execute') as timeline`);
  return rows[0] as ControlFileRights;
}

/**
 * A promoted standby and a restored backup keep the system_identifier, two promoted standbys can share a
 * timeline, and a crash makes the server assign xids again: only all of these together identify one sequence of xids.
 */
async function selectIdentity(source: Statements, rights: ControlFileRights): Promise<IdentityRow> {
  const address = `concat_ws(':', inet_server_addr(), inet_server_port())`;
  const system = rights.system ? '(select system_identifier::text from pg_control_system())' : address;
  const standbyTimeline = rights.timeline
    ? `(select greatest(checkpoint.timeline_id, recovery.min_recovery_end_timeline)::text
          from pg_control_checkpoint() as checkpoint, pg_control_recovery() as recovery)`
    : address;
  const { rows } = await source.query<IdentityRow>(`
    select ${system} as system,
           (select oid::text from pg_database where datname = current_database()) as "databaseOid",
           case when pg_is_in_recovery() then ${standbyTimeline}
                else left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) end as timeline,
           ${startedAtSql} as "startedAt",
           pg_is_in_recovery() as "inRecovery"`);
  return rows[0] as IdentityRow;
}
