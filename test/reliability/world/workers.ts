import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { FunctionName, Functions } from './functions.ts';
import type { Director, Outcome, Verdict } from './invocation.ts';

/** An invocation that makes its calls one by one, each when it is told to. */
export interface Worker<T> {
  readonly name: FunctionName;
  /** What it works on. */
  readonly task: T;
  /** The calls that it is about to make: none while one is under way, several where it makes them side by side. */
  readonly turns: Turn[];
  outcome: Outcome<unknown> | undefined;
}

interface Turn {
  call: string;
  take(verdict: Verdict): void;
}

/** How long a call may take before we ask whether it waits for another session's lock. */
const patienceMs = 5;

/** Asked hundreds of times by every seed: pg_stat_activity would join databases and roles, and be planned anew. */
const blocked = {
  name: 'blocked',
  text: `select from pg_stat_get_activity(null)
          where wait_event_type = 'Lock' and application_name like 'starlift-%'`,
};

/** Calls to AWS, and statements that leave every lock held that was held before: nobody's wait ends by them. */
const keepsLocks =
  /^\w+: (?:[A-Z]|(?:begin|set|select|savepoint|release|copy|create temporary|with|delete)\b)/;

/**
 * Invocations side by side of which one moves at a time: so it is the caller, and not the machine, who decides in
 * which order their calls to the outside take effect.
 */
export class Workers<T> {
  readonly #functions: Functions;
  readonly #database: pg.Client;
  readonly #all = new Set<Worker<T>>();
  #changed = Promise.withResolvers<void>();
  /** Workers that waited for a lock when the server was last asked. */
  #blocked = 0;

  /** @param database a session of the server that the functions use, to see which of them wait for a lock */
  constructor(functions: Functions, database: pg.Client) {
    this.#functions = functions;
    this.#database = database;
  }

  get all(): Worker<T>[] {
    return [...this.#all];
  }

  /** Those that can make their next call now. */
  get ready(): Worker<T>[] {
    return this.all.filter(({ turns }) => turns.length > 0);
  }

  /** Starts an invocation, up to its first call. */
  async start(name: FunctionName, task: T, event: unknown): Promise<void> {
    const worker: Worker<T> = { name, task, turns: [], outcome: undefined };
    this.#all.add(worker);
    const director: Director = ({ name: call }) =>
      new Promise((resolve) => {
        if (worker.outcome !== undefined) resolve('go on');
        else worker.turns.push({ call, take: resolve });
        this.#changed.resolve();
      });
    void this.#functions.invoke(name, event, director).then((outcome) => {
      worker.outcome = outcome;
      // A plan that ends does not wait for a second connection that it did not need. Nobody steps that one any more, and
      // left where it is it would keep its place in the pool from all later plans.
      for (const { take } of worker.turns.splice(0)) take('go on');
      this.#changed.resolve();
    });
    await this.#settle(true);
  }

  /** Lets a worker make its next call, or die of it. */
  async step({ turns }: Worker<T>, verdict: Verdict): Promise<void> {
    const turn = turns.shift();
    turn?.take(verdict);
    await this.#settle(verdict === 'go on' && turn !== undefined && keepsLocks.test(turn.call));
  }

  /** Takes out the invocations that have ended. */
  takeEnded(): Worker<T>[] {
    const ended = this.all.filter(({ outcome }) => outcome !== undefined);
    for (const worker of ended) this.#all.delete(worker);
    return ended;
  }

  get #moving(): Worker<T>[] {
    return this.all.filter(({ turns, outcome }) => turns.length === 0 && outcome === undefined);
  }

  /** Until every worker has ended, is about to make a call, or waits for a lock that another session holds. */
  async #settle(isNobodyReleased: boolean): Promise<void> {
    while (this.#moving.length > 0) {
      await Promise.race([this.#changed.promise, delay(patienceMs)]);
      this.#changed = Promise.withResolvers<void>();
      const moving = this.#moving.length;
      if (moving === 0 || this.ready.length === 0) continue;
      // Those that waited before wait still.
      if (isNobodyReleased && moving <= this.#blocked) return;
      this.#blocked = await this.#countBlocked();
      if (this.#blocked >= moving) return;
    }
    this.#blocked = 0;
  }

  async #countBlocked(): Promise<number> {
    return (await this.#database.query(blocked)).rowCount ?? 0;
  }
}
