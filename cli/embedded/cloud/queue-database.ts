import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { TerminalError } from '../../../shared/errors.ts';
import { isDiskFull } from '../machine/disk-full.ts';
import { PersistenceManager } from './fauxqs.ts';

/** SQLITE_CORRUPT and SQLITE_NOTADB, https://www.sqlite.org/rescode.html; the upper bits say more. */
const damages = new Set([11, 26]);

/** The queues' SQLite file (WAL): fauxqs' own tables, and what we add to them. */
export class QueueDatabase extends PersistenceManager {
  readonly sql: DatabaseSync;

  /**
   * @param onDiskFull called before a statement fails because the disk is full
   * @throws {TerminalError} the folder cannot be written, or the file is damaged
   */
  constructor(dataDir: string, onDiskFull: (error: unknown) => void = () => {}) {
    try {
      super(dataDir);
    } catch (cause) {
      throw (
        describeDamage(dataDir, cause) ??
        new TerminalError(`The queues cannot be kept in ${dataDir}: ${String(cause)}`, { cause })
      );
    }
    const sql: unknown = Reflect.get(this, 'db');
    if (!(sql instanceof DatabaseSync)) throw new TerminalError('fauxqs has moved its database');
    this.sql = sql;
    reportFullDisk(
      sql,
      Object.values(Reflect.get(this, 'stmts') as Record<string, StatementSync>),
      onDiskFull,
    );
    // A commit in WAL mode is safe from the death of the process without any fsync. With `normal` the
    // file also stays intact over a power loss, which may take the last commits.
    sql.exec('pragma synchronous = normal');
    this.#assertWhole(dataDir);
  }

  /** Damage that is found later, in the middle of a put, would lose its message. */
  #assertWhole(dataDir: string): void {
    const found = this.sql.prepare('pragma quick_check(1)').get()?.quick_check;
    if (found === 'ok') return;
    this.close();
    throw damaged(dataDir, String(found));
  }

  /**
   * Whether a run has made sure of what these queues should hold: false of a new database, which may stand in for one
   * that was lost.
   */
  get isAccountedFor(): boolean {
    return this.sql.prepare('pragma user_version').get()?.user_version !== 0;
  }

  noteAccountedFor(): void {
    this.sql.exec('pragma user_version = 1');
  }

  /** Commits everything that `work` writes, or nothing of it. */
  atomically<T>(work: () => T): T {
    this.sql.exec('begin immediate');
    try {
      const result = work();
      this.sql.exec('commit');
      return result;
    } catch (error) {
      // On a full disk SQLite has rolled back by itself, and a second rollback would hide why.
      if (this.sql.isTransaction) this.sql.exec('rollback');
      throw error;
    }
  }

  // fauxqs sets the receive count to null here, which its own table refuses: the message disappeared until the next
  // start.
  override updateMessageReady(messageId: string): void {
    this.sql
      .prepare(
        'update sqs_messages set receipt_handle = null, visibility_deadline = null where message_id = ?',
      )
      .run(messageId);
  }

  /** Lets messages go that would be delayed for longer: the clock was set back since they were sent. */
  capDelays(until: number): void {
    this.sql.prepare('update sqs_messages set delay_until = null where delay_until > ?').run(until);
  }

  /**
   * Takes back every receive that a killed process left unfinished, so that its messages are deliverable
   * at once and no kill brings one nearer to the dead-letter queue.
   */
  returnInFlight(): void {
    this.sql.exec(`
      update sqs_messages
      set approximate_receive_count = max(approximate_receive_count - 1, 0),
          receipt_handle = null,
          visibility_deadline = null
      where receipt_handle is not null`);
  }
}

function describeDamage(dataDir: string, cause: unknown): TerminalError | undefined {
  const { errcode, message } = cause as { errcode?: unknown; message?: unknown };
  if (typeof errcode !== 'number' || !damages.has(errcode & 0xff)) return undefined;
  return damaged(dataDir, String(message), cause);
}

/** The objects and the run records tell what the queues held: see cli/run/resume.ts. */
const damaged = (dataDir: string, what: string, cause?: unknown): TerminalError => {
  const file = join(dataDir, 'fauxqs.db');
  return new TerminalError(
    `the queues in ${file} are damaged (${what}): remove ${file}, ${file}-wal and ${file}-shm, and run again; ` +
      'the run sends again what they held, but for replays',
    { cause },
  );
};

/**
 * Reports a full disk before the statement fails, for every caller: a request gets an answer of its own and
 * tries again, and a run would go on until its messages are dead letters.
 */
function reportFullDisk(
  sql: DatabaseSync,
  prepared: readonly StatementSync[],
  onDiskFull: (error: unknown) => void,
): void {
  const reporting =
    <Args extends unknown[], T>(work: (...args: Args) => T) =>
    (...args: Args): T => {
      try {
        return work(...args);
      } catch (error) {
        if (isDiskFull(error)) onDiskFull(error);
        throw error;
      }
    };
  const watch = (statement: StatementSync) =>
    Object.assign(statement, { run: reporting(statement.run.bind(statement)) });
  for (const statement of prepared) watch(statement);
  const prepare = sql.prepare.bind(sql);
  Object.assign(sql, {
    exec: reporting(sql.exec.bind(sql)),
    prepare: (text: string) => watch(prepare(text)),
  });
}
