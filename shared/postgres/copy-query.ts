import pg from 'pg';
import { TerminalError, TransientError } from '../errors.ts';

/** Undeclared members of pg's Connection that a copy needs. */
export interface CopyConnection extends pg.Connection {
  sendCopyFail(reason: string): void;
  endCopyFrom(): void;
}

export interface CopyHooks {
  /** The connection belongs to the copy: called right before the statement is sent. */
  onSubmit?(connection: CopyConnection): void;
  /** The server waits for the data of a `copy … from stdin`. Without it the copy goes to stdout. */
  onCopyIn?(connection: CopyConnection): void;
  /** The connection belongs to pg again, or is lost: called before pg sends its next statement. */
  onRelease?(): void;
}

/**
 * One COPY in pg's queue of statements. It is over when the server is ready for the next statement or the
 * connection is gone; its outcome is the first failure, else the number of rows.
 */
export class CopyQuery implements pg.Submittable {
  readonly #client: pg.Client;
  readonly #sql: string;
  readonly #hooks: CopyHooks;
  readonly #outcome = Promise.withResolvers<{ rows: number }>();
  #failure: { error: unknown } | undefined;
  #rows: number | undefined;
  #isOpen = false;
  #isOver = false;
  #stopListening: (() => void) | undefined;

  constructor(client: pg.Client, sql: string, hooks: CopyHooks) {
    this.#client = client;
    this.#sql = sql;
    this.#hooks = hooks;
  }

  /**
   * Runs the statement, after those that the client has been given before.
   *
   * @throws {pg.DatabaseError} the server refused the statement, or broke it off
   * @throws {TransientError} the connection was lost
   * @throws {TerminalError} the statement is not a COPY, or one in the other direction
   */
  run(): Promise<{ rows: number }> {
    this.#client.query(this);
    return this.#outcome.promise;
  }

  /** Whether moving more data is pointless: the copy has failed or ended. */
  get hasEnded(): boolean {
    return this.#isOver || this.#failure !== undefined;
  }

  /** Sets the outcome, if nothing has failed before. The server goes on to the end of the statement. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /** The same, and closes the connection: nothing else stops a server that sends. */
  abandon(error: unknown): void {
    if (this.#isOver) return;
    this.fail(error);
    // While a statement runs, end() destroys the socket and makes a pool drop the client. To destroy the
    // socket ourselves would raise an error event, and that ends a process that does not listen to it.
    void this.#client.end();
  }

  submit(connection: pg.Connection): void {
    const onReady = () => this.#end();
    const onOpen = () => {
      this.#isOpen = true;
    };
    const onGone = () => {
      this.fail(connectionLost());
      this.#end();
    };
    const onError = (error: Error) => this.fail(connectionLost(error));
    // Before pg's own listener, which sends the next statement.
    connection.prependOnceListener('readyForQuery', onReady);
    connection.once(this.#hooks.onCopyIn === undefined ? 'copyOutResponse' : 'copyInResponse', onOpen);
    connection.once('end', onGone);
    this.#client.on('error', onError);
    this.#stopListening = () => {
      connection.off('readyForQuery', onReady).off('end', onGone);
      connection.off('copyOutResponse', onOpen).off('copyInResponse', onOpen);
      this.#client.off('error', onError);
    };
    this.#hooks.onSubmit?.(connection as CopyConnection);
    connection.query(this.#sql);
  }

  #end(): void {
    this.#isOver = true;
    this.#stopListening?.();
    this.#hooks.onRelease?.();
    const { resolve, reject } = this.#outcome;
    if (this.#failure !== undefined) reject(this.#failure.error);
    else if (this.#rows !== undefined) resolve({ rows: this.#rows });
    else reject(notSuchCopy());
  }

  handleError(error: Error): void {
    if (this.#stopListening === undefined) {
      this.fail(error);
      this.#end();
    } else if (error instanceof pg.DatabaseError) this.fail(error);
    else this.abandon(connectionLost(error));
  }

  handleCopyInResponse(connection: CopyConnection): void {
    if (this.#hooks.onCopyIn !== undefined) this.#hooks.onCopyIn(connection);
    else {
      this.fail(notSuchCopy());
      connection.sendCopyFail('there are no data to copy in');
    }
  }

  handleCommandComplete({ text }: { text: string }): void {
    const rows = /^COPY (\d+)$/.exec(text)?.[1];
    if (this.#isOpen && rows !== undefined) this.#rows = Number(rows);
  }

  // pg calls these for any kind of statement; the outcome says that it was not this COPY.
  handleReadyForQuery(): void {}
  handleCopyData(): void {}
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleEmptyQuery(): void {}
}

function connectionLost(cause?: Error): TransientError {
  // It says which server's, and why.
  if (cause instanceof TransientError) return cause;
  return new TransientError('the connection was lost during a COPY', { cause });
}

function notSuchCopy(): TerminalError {
  return new TerminalError('the statement is not the COPY that it was run as');
}
