import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { TerminalError } from '../../../shared/errors.ts';
import { isDiskFull } from '../disk-full.ts';
import { PersistenceManager } from './fauxqs.ts';

/** The queues' SQLite file (WAL): fauxqs' own tables, and what we add to them. */
export class QueueDatabase extends PersistenceManager {
  readonly sql: DatabaseSync;

  /**
   * @param onDiskFull is told before a statement fails for want of room
   * @throws {TerminalError} the folder cannot be written
   */
  constructor(dataDir: string, onDiskFull: (error: unknown) => void = () => {}) {
    try {
      super(dataDir);
    } catch (cause) {
      throw new TerminalError(`The queues cannot be kept in ${dataDir}: ${String(cause)}`, { cause });
    }
    const sql: unknown = Reflect.get(this, 'db');
    if (!(sql instanceof DatabaseSync)) throw new TerminalError('fauxqs keeps its database elsewhere now');
    this.sql = sql;
    tellOfFullDisk(
      sql,
      Object.values(Reflect.get(this, 'stmts') as Record<string, StatementSync>),
      onDiskFull,
    );
    // A commit in WAL mode is safe from the death of the process without any fsync. With `normal` the
    // file also stays intact over a power loss, which may take the last commits.
    sql.exec('pragma synchronous = normal');
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

  // fauxqs sets the receive count to null here, which its own table refuses: the message was in no list
  // any more until the next start.
  override updateMessageReady(messageId: string): void {
    this.sql
      .prepare(
        'update sqs_messages set receipt_handle = null, visibility_deadline = null where message_id = ?',
      )
      .run(messageId);
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

/**
 * Has every statement tell of a full disk before it fails, whoever runs it: a request gets an answer of its own and
 * tries again, and a run would go on until its messages are dead letters.
 */
function tellOfFullDisk(
  sql: DatabaseSync,
  prepared: readonly StatementSync[],
  onDiskFull: (error: unknown) => void,
): void {
  const telling =
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
    Object.assign(statement, { run: telling(statement.run.bind(statement)) });
  for (const statement of prepared) watch(statement);
  const prepare = sql.prepare.bind(sql);
  Object.assign(sql, {
    exec: telling(sql.exec.bind(sql)),
    prepare: (text: string) => watch(prepare(text)),
  });
}
