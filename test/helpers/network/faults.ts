import type { RowRandom } from '../../../models/totesys/sample/random.ts';

/** What a connection does that a fault can come at. */
export type FaultPlace = 'statement' | 'commit' | 'copy in' | 'copy out';

/** A fault of one connection. */
export type Fault = FaultKind & {
  at: FaultPlace;
  /** It comes at this one, counted over all connections from the fault before it; 1 is the next. */
  nth: number;
};

type FaultKind =
  /** Both sides are reset after so many bytes of a message of COPY. */
  | { kind: 'reset in copy'; bytes: number }
  /** The next bytes come one by one. */
  | { kind: 'fragments'; bytes: number }
  /** Nothing passes for so long, and then all of it. */
  | { kind: 'stall'; milliseconds: number }
  /** Nothing passes any more, and neither side is told. */
  | { kind: 'half-open' }
  /** Both sides are reset when the server has committed and not been heard. */
  | { kind: 'lost answer' };

export const faultKinds = ['reset in copy', 'fragments', 'stall', 'half-open', 'lost answer'] as const;

/**
 * Draws faults of one side, each of another kind.
 *
 * @param copy the direction in which this side's rows go
 */
export function drawFaults(
  random: RowRandom,
  { count, copy, stallMs }: { count: number; copy: 'copy in' | 'copy out'; stallMs: number },
): Fault[] {
  const kinds = [...faultKinds];
  return Array.from({ length: count }, () => {
    const [kind = 'fragments'] = kinds.splice(random.below(kinds.length), 1);
    const nth = random.between(1, 4);
    if (kind === 'reset in copy') return { kind, at: copy, nth, bytes: random.between(0, 40) };
    if (kind === 'lost answer') return { kind, at: 'commit', nth };
    const at = ([copy, 'commit', 'statement'] as const)[random.below(3)] ?? copy;
    if (kind === 'fragments') return { kind, at, nth, bytes: random.between(100, 5000) };
    if (kind === 'stall') return { kind, at, nth, milliseconds: stallMs };
    return { kind, at, nth };
  });
}

/** Faults of one side, one after the other. */
export class FaultLine {
  readonly #side: string;
  readonly #trace: string[];
  #faults: Fault[] = [];
  #met = 0;

  /** @param trace gets a line for each fault that has come */
  constructor(side: string, trace: string[]) {
    this.#side = side;
    this.#trace = trace;
  }

  /** Replaces those that have not come. */
  arm(faults: readonly Fault[]): void {
    this.#faults = [...faults];
    this.#met = 0;
  }

  /** Faults that have not come. */
  get left(): number {
    return this.#faults.length;
  }

  /** A connection is at such a place. @returns the fault that comes there */
  meet(place: FaultPlace): Fault | undefined {
    const [fault] = this.#faults;
    if (fault?.at !== place) return undefined;
    this.#met++;
    if (this.#met < fault.nth) return undefined;
    this.#faults.shift();
    this.#met = 0;
    this.#trace.push(`${this.#side}: ${JSON.stringify(fault)}`);
    return fault;
  }
}
