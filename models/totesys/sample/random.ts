/**
 * Random numbers that depend on the seed, the stream's name and the row alone: any row of any table can be
 * drawn again, in any order, so that no table has to be remembered while another is written.
 *
 * @example
 * const random = new RowRandom(seed, 'sales_order').at(17);
 * const staffId = random.between(1, 8);
 */
export class RowRandom {
  readonly #stream: number;
  #state = 0;

  /** @param seed a whole number; of a large one its lower 32 bits count */
  constructor(seed: number, stream: string) {
    let hash = mix(seed);
    for (let at = 0; at < stream.length; at++) hash = mix(hash ^ stream.charCodeAt(at));
    this.#stream = hash;
  }

  /** Turns to a row's own sequence, from its start. */
  at(row: number): this {
    this.#state = mix(this.#stream ^ mix(row));
    return this;
  }

  /** A whole number from 0 to below the limit (at most 2^32). */
  below(limit: number): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    return Math.floor((mix(this.#state) / 2 ** 32) * limit);
  }

  /** A whole number from the first to the last, both included. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  /** True once in so many. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }
}

// The finalizer of splitmix32: every bit of the input moves every bit of the output.
function mix(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return (bits ^ (bits >>> 15)) >>> 0;
}
