import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { PipelineError, TransientError } from '../errors.ts';
import type { ClientSettings } from './client-settings.ts';
import { preferTls } from './prefer-tls.ts';
import type { Address } from './tunnel-socket.ts';

/** How long a server may be silent. Tests need shorter times. */
export interface SilenceLimits {
  /** A statement without a byte in either direction for so long makes the client ask after it. */
  askAfterMs: number;
  /** How long the server may take to answer that. */
  answerWithinMs: number;
}

// Together with the workers' end, less than half a minute after the last byte.
const defaultLimits: SilenceLimits = { askAfterMs: 8000, answerWithinMs: 4000 };
const looksBetweenQuestions = 8;
/** An end is a word to the server and its answer. */
const endWithinMs = 500;

export interface GuardOptions {
  /** Names the server in messages, such as `the warehouse at db.example:5432`. */
  name: string;
  limits?: SilenceLimits;
}

export type GuardedSettings = ClientSettings & { guard: GuardOptions };

/** Undeclared members of pg's Client and Connection. */
interface ClientInside {
  /** false while a statement is under way, a COPY too; undefined before the connection is made. */
  readyForQuery?: boolean;
  processID: number | null;
  connection: pg.Connection & { stream: Stream };
}
type Stream = Duplex & { bytesRead: number; bytesWritten: number };

/**
 * A client that notices when its connection is half-open: it delivers neither data nor an end. The system's own
 * detection takes a quarter of an hour after a statement was sent, and never happens if a proxy keeps the socket open.
 *
 * A limit for statements would break off what legitimately takes long: a verification, a user's own query, a load that
 * waits for a lock. So a statement may take as long as the server is at work on it. When it has been silent for a
 * while, the server is asked over a second connection whether it is. Nothing is set in the session for this: behind a
 * pooler that would outlive it, and poolers refuse most startup parameters.
 */
export class GuardedClient extends pg.Client {
  readonly #settings: GuardedSettings;
  readonly #limits: SilenceLimits;
  #lookTimer: NodeJS.Timeout | undefined;
  #isAsking = false;
  #isEnding = false;
  #silentLooks = 0;
  #bytes = 0;
  #connectedAt = 0;

  constructor(settings: GuardedSettings) {
    super(settings);
    if (settings.isTlsPreferred) preferTls(this, settings.stream);
    this.#settings = settings;
    this.#limits = settings.guard.limits ?? defaultLimits;
    this.once('connect', () => {
      this.#connectedAt = performance.now();
      this.#nameLosses();
      // Looks are counted, not time: a process that was stopped, or was busy itself, has not heard a silence.
      this.#lookTimer = setInterval(() => this.#look(), this.#limits.askAfterMs / looksBetweenQuestions);
      this.#lookTimer.unref();
    });
    this.once('end', () => clearInterval(this.#lookTimer));
  }

  /** The near end of the tunnel that it goes by, for whoever makes a second connection. */
  get via(): Address | undefined {
    return this.#settings.via;
  }

  /** Ends the connection; one that is half-open is dropped, for which pg would wait forever. */
  override end(): Promise<void>;
  override end(callback: (error: Error) => void): void;
  override end(callback?: (error: Error) => void): Promise<void> | void {
    const { stream } = this.#inside.connection;
    if (!this.#isEnding) {
      const timer = setTimeout(() => stream.destroy(), endWithinMs).unref();
      stream.once('close', () => clearTimeout(timer));
    }
    this.#isEnding = true;
    return callback === undefined ? super.end() : super.end(callback);
  }

  get #inside(): ClientInside {
    return this as unknown as ClientInside;
  }

  /** What pg and the system say of a lost connection does not name the server. */
  #nameLosses(): void {
    const { connection } = this.#inside;
    const { name } = this.#settings.guard;
    connection.stream.prependListener('error', (error) => {
      if (!(error instanceof PipelineError)) error.message = `${name}: ${error.message}`;
    });
    // Before pg's own listener, which would fail the statement first.
    connection.prependOnceListener('end', () => {
      if (!this.#isEnding) connection.emit('error', new TransientError(`the connection to ${name} was lost`));
    });
  }

  #look(): void {
    const { readyForQuery, connection } = this.#inside;
    const { stream } = connection;
    // What is still to be written is in bytesWritten already.
    const bytes = stream.bytesRead + stream.bytesWritten - stream.writableLength;
    const isWaiting = readyForQuery === false && !stream.isPaused();
    const isSilent = isWaiting && bytes === this.#bytes;
    this.#bytes = bytes;
    this.#silentLooks = isSilent ? this.#silentLooks + 1 : 0;
    if (this.#silentLooks > 0 && this.#silentLooks % looksBetweenQuestions === 0) void this.#askAfter();
  }

  async #askAfter(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const { bytes, silentLooks } = { bytes: this.#bytes, silentLooks: this.#silentLooks };
    try {
      const isDead = await this.#isDead(silentLooks > looksBetweenQuestions);
      this.#look();
      // Data that arrived meanwhile outweighs the server's answer.
      const isStillSilent = this.#silentLooks > 0 && this.#bytes === bytes;
      if (!isDead || !isStillSilent) return;
      // Its transaction would hold its locks for as long as the server keeps the session, which may be hours.
      await endSession(this.#settings, {
        processId: this.#inside.processID ?? 0,
        ageMs: performance.now() - this.#connectedAt,
        withinMs: this.#limits.answerWithinMs,
      });
      this.#giveUp();
    } finally {
      this.#isAsking = false;
    }
  }

  /** @param isSilentForLong it was asked before */
  async #isDead(isSilentForLong: boolean): Promise<boolean> {
    const ask = () => askServer(this.#settings, this.#inside.processID ?? 0, this.#limits.answerWithinMs);
    let verdict = await ask();
    if (verdict === 'no answer') {
      // It may be overloaded, or restarting.
      await delay(this.#limits.answerWithinMs / 4);
      verdict = await ask();
    }
    return verdict === 'no answer' || verdict === 'gone' || (verdict === 'waits for us' && isSilentForLong);
  }

  #giveUp(): void {
    const seconds = Math.round((this.#silentLooks * this.#limits.askAfterMs) / looksBetweenQuestions / 1000);
    const message = `${this.#settings.guard.name} does not answer: nothing has come over this connection for ${seconds} s`;
    this.#inside.connection.stream.destroy(new TransientError(message));
  }
}

type Answer = 'at work' | 'waits for us' | 'gone' | 'no answer';

/**
 * Asks over a second connection what the server does for the first.
 *
 * A server that refuses the second connection is there, and cannot be asked. So is a pooler, whose process ids are its
 * own: by it a statement is never called dead.
 */
async function askServer(settings: ClientSettings, processId: number, withinMs: number): Promise<Answer> {
  try {
    return await onSecondConnection(settings, withinMs, async (client, ownId) => {
      const { rows } = await client.query<Backend>(
        `select pg_backend_pid() as "ownId", pid is not null as "isThere", state, wait_event as "waitEvent"
           from (select) as one left join pg_stat_activity on pid = ${processId}`,
      );
      return judge(rows[0], ownId);
    });
  } catch (error) {
    return error instanceof pg.DatabaseError ? 'at work' : 'no answer';
  }
}

/** A session that began later than this after ours may be another's, which has got its number since. */
const youngestMs = 1000;

/**
 * Ends a session of ours on the server, so that its transaction is rolled back. Nothing is done where the server does not
 * answer, or where the session is not proved to be ours: behind a pooler, and where it began after we had connected.
 */
async function endSession(
  settings: ClientSettings,
  { processId, ageMs, withinMs }: { processId: number; ageMs: number; withinMs: number },
): Promise<void> {
  const end = (client: pg.Client, ownId: number | null) =>
    client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where pid = $1 and pg_backend_pid() = $2 and usename = current_user and datname = current_database()
          and backend_start < clock_timestamp() - make_interval(secs => $3)`,
      [processId, ownId, Math.max(0, ageMs - youngestMs) / 1000],
    );
  // The statement has failed in any case, and says why.
  await onSecondConnection(settings, withinMs, end).catch(() => {});
}

async function onSecondConnection<T>(
  settings: ClientSettings,
  withinMs: number,
  work: (client: pg.Client, ownId: number | null) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ ...settings, connectionTimeoutMillis: withinMs });
  if (settings.isTlsPreferred) preferTls(client, settings.stream);
  client.on('error', () => {});
  const { connection } = client as unknown as ClientInside;
  const timer = setTimeout(() => connection.stream.destroy(), withinMs);
  try {
    await client.connect();
    return await work(client, (client as unknown as ClientInside).processID);
  } finally {
    clearTimeout(timer);
    connection.stream.destroy();
  }
}

interface Backend {
  ownId: number;
  isThere: boolean;
  state: string | null;
  waitEvent: string | null;
}

function judge(backend: Backend | undefined, ownId: number | null): Answer {
  if (backend === undefined || backend.ownId !== ownId) return 'at work';
  const { isThere, state, waitEvent } = backend;
  // To a server that has answered, or was never asked, there is nothing to do.
  if (!isThere || state?.startsWith('idle')) return 'gone';
  const isWaiting = state === 'active' && (waitEvent === 'ClientRead' || waitEvent === 'ClientWrite');
  return isWaiting ? 'waits for us' : 'at work';
}
