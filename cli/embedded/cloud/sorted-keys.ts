/**
 * Orders two keys as S3 lists them: by their UTF-8 bytes.
 *
 * JavaScript compares UTF-16 units, in which the surrogates of U+10000 and above come before U+E000;
 * in UTF-8 they come after it.
 */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left === right) continue;
    const isLeftSurrogate = isSurrogate(left);
    if (isLeftSurrogate !== isSurrogate(right)) return isLeftSurrogate ? 1 : -1;
    return left - right;
  }
  return a.length - b.length;
}

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;

/** The keys of one bucket in listing order: a page costs its own length, not the bucket's. */
export class SortedKeys {
  readonly #keys: string[];

  constructor(keys: Iterable<string> = []) {
    this.#keys = [...new Set(keys)].sort(compareUtf8);
  }

  add(key: string): void {
    const at = this.#firstAtOrAfter(key);
    if (this.#keys[at] !== key) this.#keys.splice(at, 0, key);
  }

  delete(key: string): void {
    const at = this.#firstAtOrAfter(key);
    if (this.#keys[at] === key) this.#keys.splice(at, 1);
  }

  has(key: string): boolean {
    return this.#keys[this.#firstAtOrAfter(key)] === key;
  }

  /** The keys from `start` on, `start` itself included. */
  *from(start: string): Generator<string> {
    for (let at = this.#firstAtOrAfter(start); at < this.#keys.length; at += 1) yield this.#keys[at] ?? '';
  }

  #firstAtOrAfter(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareUtf8(this.#keys[middle] ?? '', key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
