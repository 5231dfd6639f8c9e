import { AsyncLocalStorage } from 'node:async_hooks';
import type pg from 'pg';

/** What becomes of one call that a handler makes to the outside. */
export type Verdict = 'go on' | 'crash before' | 'crash after' | 'fail once';

export interface Call {
  invocation: Invocation;
  /** What is called, such as `load: commit` or `transform: PutObject dim_staff`. */
  name: string;
}

/** Asked before every call of an invocation; the call waits until it has decided. */
export type Director = (call: Call) => Verdict | Promise<Verdict>;

export type Outcome<T> =
  | { kind: 'done'; value: T }
  | { kind: 'failed'; error: unknown }
  | { kind: 'crashed' };

/** Ends what an invocation is doing. The product may catch it: whatever it calls next throws again. */
export class Crash extends Error {
  override name = 'Crash';
}

/** What S3 says when it is asked too often. */
class Throttled extends Error {
  override name = 'SlowDown';
  readonly $metadata = { httpStatusCode: 503 };
}

const current = new AsyncLocalStorage<Invocation>();

/** The invocation that this code runs in; undefined in the test's own code. */
export const currentInvocation = (): Invocation | undefined => current.getStore();

/**
 * One invocation of a handler, in this process, that can die at any of its calls to AWS or Postgres.
 *
 * Once dead it reaches nothing any more: its Postgres connections are cut and every further call throws. So its code
 * may run on, as no code of a dead process could, and the outside cannot tell.
 */
export class Invocation {
  readonly functionName: string;
  readonly #director: Director;
  readonly #connections = new Set<pg.Client>();
  #isDead = false;

  constructor(functionName: string, director: Director) {
    this.functionName = functionName;
    this.#director = director;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Runs a handler to its end, which a dead one reaches by the errors of its calls. */
  async run<T>(work: () => Promise<T>): Promise<Outcome<T>> {
    try {
      const value = await current.run(this, work);
      return this.#isDead ? { kind: 'crashed' } : { kind: 'done', value };
    } catch (error) {
      return this.#isDead ? { kind: 'crashed' } : { kind: 'failed', error };
    }
  }

  /** Makes one call to the outside, or dies before or after it. */
  async call<T>(name: string, effect: () => Promise<T>): Promise<T> {
    this.#assertAlive();
    const verdict = await this.#director({ invocation: this, name: `${this.functionName}: ${name}` });
    this.#assertAlive();
    if (verdict === 'fail once') throw new Throttled(name);
    if (verdict === 'crash before') this.die();
    this.#assertAlive();
    const result = await effect();
    if (verdict === 'crash after') this.die();
    this.#assertAlive();
    return result;
  }

  /** Its connection dies with it. */
  holds(client: pg.Client): void {
    this.#connections.add(client);
  }

  get connections(): ReadonlySet<pg.Client> {
    return this.#connections;
  }

  die(): void {
    this.#isDead = true;
    for (const client of this.#connections) cutConnection(client);
  }

  #assertAlive(): void {
    if (this.#isDead) throw new Crash(`${this.functionName} has crashed`);
  }
}

/** As when the process at the other end is gone. */
export function cutConnection(client: pg.Client): void {
  const { connection } = client as pg.Client & { connection?: pg.Connection };
  connection?.stream.destroy();
}
