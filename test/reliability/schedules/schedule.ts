import type pg from 'pg';
import type { RowRandom } from '../../../models/totesys/sample/random.ts';
import { queueKinds } from '../../../shared/queue/queue-settings.ts';
import type { PlannedRun } from '../../../shared/records/plan/run-record.ts';
import { assertNotSilentlyWrong } from '../silence/status-evidence.ts';
import { settleCensuses } from '../world/censuses.ts';
import { findNews, type History, remember } from '../world/expectations.ts';
import { summarizeLog } from '../world/hints.ts';
import { type Delivery, Mailbox } from '../world/mailbox.ts';
import { eventOf, isDoneWith } from '../world/queues.ts';
import { Workers } from '../world/workers.ts';
import type { World } from '../world/world.ts';
import { beginLate, changeShop } from '../writers/trading.ts';

/** undefined where the work is a plan. */
type Task = Delivery | undefined;

const maxWorkers = 5;

/** One seed's run: every choice, from who makes the next call to which message comes twice, is the seed's. */
export class Schedule {
  readonly history: History = new Map();
  readonly #world: World;
  readonly #random: RowRandom;
  readonly #workers: Workers<Task>;
  readonly #late: pg.Client;
  readonly #mailbox: Mailbox;
  #isLateOpen = false;
  /** What handlers threw: such invocations are tried again. */
  readonly failures: string[] = [];
  /** The last plan that ended. */
  #planned: PlannedRun | undefined;

  constructor(world: World, late: pg.Client, random: RowRandom) {
    this.#world = world;
    this.#late = late;
    this.#random = random;
    this.#mailbox = new Mailbox(world.queues, random);
    this.#workers = new Workers(world.functions, world.source);
  }

  /** Changes, plans and deliveries all at once, with everything that can happen to a message. */
  async run(actions: number): Promise<void> {
    for (let action = 0; action < actions; action++) {
      const chance = this.#random.below(100);
      if (chance < 5) await this.#changeSource();
      else if (chance < 8) await this.#plan();
      else if (chance < 9) await this.#timeOut();
      else if (chance < 10) await this.#duplicate();
      else if (chance < 13) await this.#mailbox.receive();
      else if (chance < 24) await this.#deliver();
      else if (chance < 26 && this.#world.hints.summaries) await summarizeLog(this.#world.source);
      else await this.#step(this.#random.oneIn(80));
      await this.#clearUp();
    }
  }

  /**
   * Goes on without changes and faults until a plan finds nothing new and all is delivered; at the very last what
   * was held back, when all that is newer has gone by.
   */
  async finish(): Promise<void> {
    if (this.#isLateOpen) await this.#endLate('commit');
    // What was committed has been planned by then, so that what is missing is what the product has to tell of.
    const assertNotSilent = () => assertNotSilentlyWrong(this.#world.site, this.#world);
    do {
      await this.#drain();
      this.#planned = undefined;
      // What the source has not counted yet is found, too.
      await this.#plan({ isExact: true });
      await this.#drain(assertNotSilent);
    } while (await this.#hasNews());
    this.#mailbox.letGo();
    await this.#drain();
    await settleCensuses(this.#world, { plan: () => this.#plan(), deliver: () => this.#drain() });
  }

  async #hasNews(): Promise<boolean> {
    const planned: PlannedRun | undefined = this.#planned;
    return planned === undefined || (await findNews(this.#world.ingested, planned)).length > 0;
  }

  /** @param whenIdle called each time when nothing is left to deliver, before dead letters are redriven */
  async #drain(whenIdle?: () => Promise<unknown>): Promise<void> {
    for (;;) {
      await this.#mailbox.receive();
      if (this.#mailbox.size + this.#workers.all.length === 0) {
        await whenIdle?.();
        if ((await this.#redrive()) === 0) return;
      }
      while (this.#mailbox.size + this.#workers.all.length > 0) {
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

  /** Two at once at most: the schedule of AWS may be late, not a crowd. */
  async #plan(event: { isExact?: boolean } = {}): Promise<void> {
    if (this.#workers.all.filter(({ name }) => name === 'plan').length >= 2) return;
    await this.#workers.start('plan', undefined, event);
  }

  async #deliver(): Promise<void> {
    if (this.#workers.all.length >= maxWorkers) return;
    const task = this.#mailbox.take();
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
    const task = pick(this.#workers.all, this.#random)?.task ?? this.#mailbox.peek();
    if (task !== undefined) this.#mailbox.add(task);
  }

  async #clearUp(): Promise<void> {
    for (const { name, task, outcome } of this.#workers.takeEnded()) {
      if (outcome?.kind === 'failed') this.failures.push(`${name}: ${String(outcome.error)}`);
      if (task === undefined) {
        if (outcome?.kind === 'done') this.#planned = outcome.value as PlannedRun;
      } else if (outcome?.kind === 'done' && isDoneWith(outcome.value, task.message)) {
        this.#world.queues.deleteLater(task.kind, task.message);
      } else await this.#world.queues.giveBack(task.kind, task.message);
    }
  }
}

const pick = <T>(items: readonly T[], random: RowRandom): T | undefined => items[random.below(items.length)];
