import type { ReceivedMessage } from '../../../cli/embedded/cloud/fauxqs.ts';
import type { RowRandom } from '../../../models/totesys/sample/random.ts';
import { type QueueKind, queueKinds } from '../../../shared/queue/queue-settings.ts';
import type { Queues } from './queues.ts';

export interface Delivery {
  kind: QueueKind;
  message: ReceivedMessage;
}

/** As often as a message stays in its queue until all that came after it has gone by. */
const holdOneIn = 4;

/** Messages that were received and wait for a worker. None has a claim to be the next. */
export class Mailbox {
  readonly #queues: Queues;
  readonly #random: RowRandom;
  readonly #pending: Delivery[] = [];
  readonly #held: Delivery[] = [];
  #isHolding = true;

  constructor(queues: Queues, random: RowRandom) {
    this.#queues = queues;
    this.#random = random;
  }

  get size(): number {
    return this.#pending.length;
  }

  async receive(): Promise<void> {
    for (const kind of queueKinds) {
      for (const message of await this.#queues.receiveAll(kind)) {
        const isHeld = this.#isHolding && this.#random.oneIn(holdOneIn);
        (isHeld ? this.#held : this.#pending).push({ kind, message });
      }
    }
  }

  add(delivery: Delivery): void {
    this.#pending.push(delivery);
  }

  /** Any one of them. */
  peek(): Delivery | undefined {
    return this.#pending[this.#random.below(this.#pending.length)];
  }

  take(): Delivery | undefined {
    return this.#pending.splice(this.#random.below(this.#pending.length), 1)[0];
  }

  /** From now on nothing is held back. */
  letGo(): void {
    this.#isHolding = false;
    this.#pending.push(...this.#held.splice(0));
  }
}
