import type pg from 'pg';
import type { RowRandom } from '../../../cli/embedded/sample/random.ts';
import type { ReceivedMessage } from '../../../cli/embedded/workers/sqs-event.ts';
import type { PlannedRun } from '../../../services/ingestion/planned-run.ts';
import { type QueueKind, queueKinds } from '../../../shared/queue/queue-settings.ts';
import { type History, remember } from './expectations.ts';
import { eventOf, isDoneWith } from './queues.ts';
import { beginLate, changeShop } from './trading.ts';
import { Workers } from './workers.ts';
import type { World } from './world.ts';

/** A delivery; undefined where the work is a plan. */
type Task = { kind: QueueKind; message: ReceivedMessage } | undefined;

const maxWorkers = 5;

/** One seed's run: every choice, from who makes the next call to which message comes twice, is the seed's. */
export class Schedule {
  readonly history: History = new Map();
  readonly #world: World;
  readonly #random: RowRandom;
  readonly #workers: Workers<Task>;
  readonly #late: pg.Client;
  #isLateOpen = false;
  /** What handlers threw: such invocations are tried again. */
  readonly failures: string[] = [];
  /** Of the last plan that ended. */
  #slices: number | undefined;
  /** Received and not yet delivered, or to be delivered once more. */
  readonly #pending: NonNullable<Task>[] = [];

  constructor(world: World, late: pg.Client, random: RowRandom) {
    this.#world = world;
    this.#late = late;
    this.#random = random;
    this.#workers = new Workers(world.functions, world.source);
  }

  /** Changes, plans and deliveries all at once, with everything that can happen to a message. */
  async run(actions: number): Promise<void> {
    await this.#plan();
    for (let action = 0; action < actions; action++) {
      const chance = this.#random.below(100);
      if (chance < 2) await this.#changeSource();
      else if (chance < 3) await this.#plan();
      else if (chance < 4) await this.#timeOut();
      else if (chance < 5) await this.#duplicate();
      else if (chance < 8) await this.#receive();
      else if (chance < 20) await this.#deliver();
      else await this.#step(this.#random.oneIn(80));
      await this.#clearUp();
    }
  }

  /** Goes on without changes and faults until a plan finds nothing new and all is delivered. */
  async finish(): Promise<void> {
    if (this.#isLateOpen) await this.#endLate('commit');
    do {
      await this.#drain();
      this.#slices = undefined;
      await this.#plan();
      await this.#drain();
    } while (this.#slices !== 0);
  }

  async #drain(): Promise<void> {
    for (;;) {
      await this.#receive();
      if (this.#pending.length + this.#workers.all.length === 0 && (await this.#redrive()) === 0) return;
      while (this.#pending.length + this.#workers.all.length > 0) {
        if (this.#random.oneIn(5)) await this.#deliver();
        else await this.#step(false);
        await this.#clearUp();
      }
    }
  }

  async #redrive(): Promise<number> {
    let letters = 0;
    for (const kind of queueKinds) letters += await this.#world.queues.redrive(kind);
    return letters;
  }

  async #changeSource(): Promise<void> {
    const { source } = this.#world;
    if (this.#random.oneIn(3)) {
      if (this.#isLateOpen) await this.#endLate(this.#random.oneIn(4) ? 'rollback' : 'commit');
      else await beginLate(this.#late, this.#random);
      this.#isLateOpen = !this.#isLateOpen;
    } else await changeShop(source, this.#random);
    await remember(this.history, source);
  }

  async #endLate(how: 'commit' | 'rollback'): Promise<void> {
    await this.#late.query(how);
    await remember(this.history, this.#world.source);
  }

  async #plan(): Promise<void> {
    await this.#workers.start('plan', undefined, {});
  }

  async #receive(): Promise<void> {
    for (const kind of queueKinds) {
      const messages = await this.#world.queues.receiveAll(kind);
      this.#pending.push(...messages.map((message) => ({ kind, message })));
    }
  }

  /** Any of the messages that were received: none has a claim to be the next. */
  async #deliver(): Promise<void> {
    const index = this.#random.below(this.#pending.length);
    if (this.#pending.length === 0 || this.#workers.all.length >= maxWorkers) return;
    const [task] = this.#pending.splice(index, 1);
    if (task !== undefined) await this.#workers.start(task.kind, task, eventOf(task.kind, task.message));
  }

  async #step(crashes: boolean): Promise<void> {
    const worker = pick(this.#workers.ready, this.#random);
    const crash = this.#random.oneIn(2) ? 'crash before' : 'crash after';
    if (worker !== undefined) await this.#workers.step(worker, crashes ? crash : 'go on');
  }

  /** Somebody is at work on it, and it is there for others to receive. */
  async #timeOut(): Promise<void> {
    const task = pick(this.#workers.all, this.#random)?.task;
    if (task !== undefined) await this.#world.queues.giveBack(task.kind, task.message);
  }

  /** SQS delivers at least once. */
  async #duplicate(): Promise<void> {
    const task = pick(this.#workers.all, this.#random)?.task ?? pick(this.#pending, this.#random);
    if (task !== undefined) this.#pending.push(task);
  }

  async #clearUp(): Promise<void> {
    for (const { name, task, outcome } of this.#workers.takeEnded()) {
      if (outcome?.kind === 'failed') this.failures.push(`${name}: ${String(outcome.error)}`);
      if (task === undefined) {
        if (outcome?.kind === 'done') this.#slices = (outcome.value as PlannedRun).slices.length;
      } else if (outcome?.kind === 'done' && isDoneWith(outcome.value, task.message)) {
        await this.#world.queues.delete(task.kind, [task.message]);
      } else await this.#world.queues.giveBack(task.kind, task.message);
    }
  }
}

const pick = <T>(items: readonly T[], random: RowRandom): T | undefined => items[random.below(items.length)];
