import type { Statements } from './plan-statements.ts';

/** What tells one server, and one life of it, from another. */
export interface IdentityRow {
  /** system_identifier, or the server's address where pg_control_system is not granted. */
  system: string;
  databaseOid: string;
  timeline: string;
  startedAt: string;
  inRecovery: boolean;
}

/** Which of the functions that read the control file this role may call; some services grant none. */
export interface ControlFileRights {
  system: boolean;
  timeline: boolean;
}

// Asked before, because a refusal would end the extract's transaction; Postgres checks the right to a function
// before it looks whether a `case` would call it at all.
export async function selectControlFileRights(source: Statements): Promise<ControlFileRights> {
  const { rows } = await source.query<ControlFileRights>(`
    select has_function_privilege('pg_control_system()', 'execute') as system,
           has_function_privilege('pg_control_checkpoint()', 'execute')
             and has_function_privilege('pg_control_recovery()', 'execute') as timeline`);
  return rows[0] as ControlFileRights;
}

/**
 * A promoted standby and a restored backup keep the system_identifier, two promoted standbys can share a
 * timeline, and a crash gives xids out again: only all of these together name one sequence of xids.
 */
export async function selectIdentity(source: Statements, rights: ControlFileRights): Promise<IdentityRow> {
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
           to_char(pg_postmaster_start_time() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') as "startedAt",
           pg_is_in_recovery() as "inRecovery"`);
  return rows[0] as IdentityRow;
}
