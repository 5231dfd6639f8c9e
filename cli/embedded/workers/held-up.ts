import type { ReceivedMessage } from '../cloud/fauxqs.ts';
import type { QueueControl } from '../cloud/queue-store.ts';

/** How an event source mapping treats messages after another message of their group was sent back. */
export interface HoldUpOptions {
  queue: QueueControl;
  /** Messages of one group wait for the same thing, such as a lock on their table; undefined belongs to no group. */
  groupOf(body: string): string | undefined;
  /** How many invocations may run for all groups that are held up, beside those of the others. */
  maximumConcurrency: number;
}

type Batch = readonly ReceivedMessage[];

interface Group {
  parked: Batch[];
  isTried: boolean;
  /** When the next of its messages may be tried, by the monotonic clock. */
  dueAt: number;
}

/** An attempt at a held-up group waits up to a second for its lock; a pause of as long leaves the servers alone. */
const pauseMs = 1000;
/** Far less than any visibility timeout. */
const renewEveryMs = 60_000;

/**
 * Keeps apart the messages of groups that are held up, so that they do not take the places of others. Of each such group one
 * message at a time is tried. Once one is done, all of the group go on.
 */
export class HeldUpGroups {
  readonly #options: HoldUpOptions;
  readonly #begin: (batch: Batch, group: string) => void;
  readonly #groups = new Map<string, Group>();
  #tried = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #renewing: NodeJS.Timeout;

  /** @param begin starts an attempt; `settle` or `release` is called at its end */
  constructor(options: HoldUpOptions, begin: (batch: Batch, group: string) => void) {
    this.#options = options;
    this.#begin = begin;
    this.#renewing = setInterval(() => this.#renew(), renewEveryMs).unref();
  }

  groupOf(batch: Batch): string | undefined {
    const groups = new Set(batch.map(({ Body = '' }) => this.#options.groupOf(Body)));
    return groups.size === 1 ? [...groups][0] : undefined;
  }

  /** Parks the batch if its group is held up. */
  parks(batch: Batch, name: string): boolean {
    const group = this.#groups.get(name);
    if (group === undefined) return false;
    group.parked.push(batch);
    this.#tryNext();
    return true;
  }

  /** A message of the group was sent back, or replaced by a copy that waits. */
  hold(name: string): void {
    const group = this.#groups.get(name) ?? { parked: [], isTried: false, dueAt: 0 };
    group.dueAt = performance.now() + pauseMs;
    this.#groups.set(name, group);
    this.#tryNext();
  }

  /** An attempt of a held-up group has ended. */
  endAttempt(name: string): void {
    this.#tried -= 1;
    const group = this.#groups.get(name);
    if (group !== undefined) group.isTried = false;
    this.#tryNext();
  }

  /**
   * A message of the group is done: none of them is held up any more.
   *
   * @param held receipt handles of what is being processed
   * @returns what was parked
   */
  release(name: string, held: ReadonlySet<string>): Batch[] {
    const group = this.#groups.get(name);
    if (group === undefined) return [];
    this.#groups.delete(name);
    // What is parked is in flight too.
    this.#wake(
      (body) => this.#options.groupOf(body) === name,
      new Set([...held, ...handlesOf(group.parked)]),
    );
    return group.parked;
  }

  /** What held them up is over, for all groups. */
  releaseAll(held: ReadonlySet<string>): Batch[] {
    const parked = this.parked();
    this.#groups.clear();
    this.#wake(() => true, new Set([...held, ...handlesOf(parked)]));
    return parked;
  }

  parked(): Batch[] {
    return [...this.#groups.values()].flatMap((group) => group.parked);
  }

  /** Gives back what is parked. */
  stop(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#renewing);
    const parked = this.parked();
    this.#groups.clear();
    for (const batch of parked) this.#options.queue.giveBackUntried(batch);
  }

  #wake(isMeant: (body: string) => boolean, held: ReadonlySet<string>): void {
    this.#options.queue.wake(isMeant, new Set([...held, ...handlesOf(this.parked())]));
  }

  #tryNext(): void {
    clearTimeout(this.#timer);
    const waiting = [...this.#groups].filter(([, { parked, isTried }]) => parked.length > 0 && !isTried);
    // The one that has waited the longest comes first, so that each has its turn.
    for (const [name, group] of waiting.sort(([, a], [, b]) => a.dueAt - b.dueAt)) {
      if (this.#tried >= this.#options.maximumConcurrency) return;
      const dueInMs = group.dueAt - performance.now();
      if (dueInMs > 0) {
        this.#timer = setTimeout(() => this.#tryNext(), dueInMs);
        return;
      }
      const batch = group.parked.shift();
      if (batch === undefined) continue;
      group.isTried = true;
      this.#tried += 1;
      this.#begin(batch, name);
    }
  }

  #renew(): void {
    for (const batch of this.parked()) this.#options.queue.renew(batch);
  }
}

const handlesOf = (batches: readonly Batch[]): string[] =>
  batches.flat().map(({ ReceiptHandle }) => ReceiptHandle);
