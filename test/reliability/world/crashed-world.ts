import { type CrashPoint, crashAt } from '../sweeps/crash-points.ts';
import {
  expectAllArrived,
  loadInitially,
  runIncrementally,
  takeFirstCensuses,
} from '../sweeps/crash-scenario.ts';
import type { DeliveryOrder } from './delivery.ts';
import type { History } from './expectations.ts';
import type { Hints } from './hints.ts';
import type { Director } from './invocation.ts';
import { World } from './world.ts';

/** After so many rounds a warehouse is made anew, or its history would take longer to compare than a round. */
const maxRounds = 40;

/** The scenario of the crash sweep, run again and again with a crash at one of its calls. */
export class CrashedWorld {
  readonly #world: World;
  /** Rounds of the incremental part that this warehouse has seen; undefined where it is to be made anew. */
  #round: number | undefined;
  #history: History = new Map();
  readonly #makeOrder: () => DeliveryOrder;
  readonly #hints: Hints;

  private constructor(world: World, makeOrder: () => DeliveryOrder, hints: Hints) {
    this.#world = world;
    this.#makeOrder = makeOrder;
    this.#hints = hints;
  }

  /** @param makeOrder makes the order in which a round delivers its messages */
  static async start(makeOrder: () => DeliveryOrder, hints: Hints): Promise<CrashedWorld> {
    return new CrashedWorld(await World.start(), makeOrder, hints);
  }

  stop(): Promise<void> {
    return this.#world.stop();
  }

  /** What the first run calls when nothing crashes. */
  async countInitially(): Promise<string[]> {
    await this.#beginAnew();
    const { director, calls } = crashAt(undefined);
    await loadInitially(this.#world, director, this.#history);
    return calls;
  }

  /** What the two runs after it call. */
  async countIncrementally(): Promise<string[]> {
    await this.#loadAnew();
    const { director, calls } = crashAt(undefined);
    await this.#runRound(director);
    return calls;
  }

  /** @returns what was called at the point; undefined where the run had no such call this time */
  async crashInitially(point: CrashPoint): Promise<string | undefined> {
    await this.#beginAnew();
    const { director, calls } = crashAt(point);
    await loadInitially(this.#world, director, this.#history);
    await expectAllArrived(this.#world, this.#history);
    const called = calls[point.number];
    // What a plan leaves behind is for the plans after it.
    if (called?.startsWith('plan')) {
      await takeFirstCensuses(this.#world);
      await this.#runRound(() => 'go on');
    }
    return called;
  }

  /** @returns what was called at the point; undefined where the two runs had no such call this time */
  async crashIncrementally(point: CrashPoint): Promise<string | undefined> {
    if (this.#round === undefined || this.#round >= maxRounds) await this.#loadAnew();
    const { director, calls } = crashAt(point);
    const round = this.#round ?? 0;
    // Set anew once it has passed: what a failed round leaves behind is not for the next one.
    this.#round = undefined;
    await this.#runRound(director, round);
    return calls[point.number];
  }

  async #loadAnew(): Promise<void> {
    await this.countInitially();
    await takeFirstCensuses(this.#world);
  }

  async #beginAnew(): Promise<void> {
    await this.#world.reset(this.#hints);
    this.#history = new Map();
    this.#round = 0;
  }

  async #runRound(director: Director, done = this.#round ?? 0): Promise<void> {
    const round = done + 1;
    await runIncrementally(this.#world, director, {
      round,
      history: this.#history,
      order: this.#makeOrder(),
    });
    await expectAllArrived(this.#world, this.#history);
    this.#round = done + 1;
  }
}
