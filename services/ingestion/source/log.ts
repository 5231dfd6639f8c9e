import { RefusedError } from '../../../shared/errors.ts';
import type { Statements } from './statements.ts';

/** Of a source whose log cannot be asked. */
export interface Aurora {
  /** system_identifier, where it is told. */
  system: string | undefined;
  /** The name of the instance that writes, where it is told. */
  instance: string | undefined;
}

/** Does what the server may refuse, so that the transaction that it is in goes on. */
export type Attempt = <T>(work: () => Promise<T>) => Promise<T>;

/** How the source's log can be asked, and what it says at once. */
export interface Log {
  /** undefined for a Postgres that answers. */
  aurora: Aurora | undefined;
  /** On a standby: what was logged before here is visible now. */
  replayLsn: string | null;
}

export const findAurora = async (source: Statements, attempt?: Attempt): Promise<Aurora | undefined> =>
  (await askLog(source, attempt)).aurora;

/**
 * Finds out how the source's log can be asked. Aurora keeps its log in its storage, and refuses Postgres' own functions of it:
 * with 0A000 ("is currently not supported for Aurora"), or with 55000 ("wal_level must be set to 'logical'"). To be called
 * outside of an extract's transaction, which a refusal would abort.
 *
 * @param attempt where this is called within a transaction
 * @throws {RefusedError} it is an Aurora reader, of which nothing says up to where it has read
 * @throws what the server has said, where it is no Aurora
 */
export async function askLog(source: Statements, attempt: Attempt = (work) => work()): Promise<Log> {
  try {
    const { rows } = await attempt(() => source.query<{ replayLsn: string | null }>(selectLog));
    return { aurora: undefined, replayLsn: rows[0]?.replayLsn ?? null };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const version = await tell(source, attempt, 'aurora_version()::text');
    if (version === undefined) throw error;
    const { rows } = await source.query<{ isReader: boolean }>('select pg_is_in_recovery() as "isReader"');
    if (rows[0]?.isReader === true) {
      throw new RefusedError(
        'the source is a reader of an Aurora cluster, of which nothing says up to where it has read: name the cluster endpoint, which leads to the writer',
        { by: 'source', cause: error },
      );
    }
    const aurora = {
      system: await tell(source, attempt, 'system_identifier::text from pg_control_system()'),
      instance: await tell(source, attempt, 'aurora_db_instance_identifier()::text'),
    };
    return { aurora, replayLsn: null };
  }
}

const selectLog = `
    select case when pg_is_in_recovery() then pg_last_wal_replay_lsn()::text end as "replayLsn",
           case when not pg_is_in_recovery() then pg_current_wal_insert_lsn() end as lsn,
           case when not pg_is_in_recovery() then pg_walfile_name(pg_current_wal_flush_lsn()) end as file`;

function isRefusal(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return code === '0A000' || (code === '55000' && /wal_level/.test(String(message)));
}

/** @returns undefined where the server does not know the function, or refuses it */
async function tell(source: Statements, attempt: Attempt, what: string): Promise<string | undefined> {
  try {
    const { rows } = await attempt(() =>
      source.query<{ told: string | null }>(`select (select ${what}) as told`),
    );
    return rows[0]?.told ?? undefined;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === '42883' || code === '42501' || isRefusal(error)) return undefined;
    throw error;
  }
}
