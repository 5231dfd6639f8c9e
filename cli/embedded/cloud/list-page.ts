export interface PageRequest {
  prefix: string;
  delimiter: string;
  /** Keys, and common prefixes, up to and including this one were listed before. '' for the first page. */
  after: string;
  maxKeys: number;
}

export interface Page {
  keys: string[];
  commonPrefixes: string[];
  /** The last key or common prefix of this page when there is more behind it. */
  next: string | undefined;
}

/**
 * Takes one page of a listing: keys and common prefixes together in UTF-8 order, each counted once
 * against `maxKeys`, as in S3's ListObjectsV2.
 */
export function takePage(sorted: SortedKeys, { prefix, delimiter, after, maxKeys }: PageRequest): Page {
  const page: Page = { keys: [], commonPrefixes: [], next: undefined };
  if (maxKeys === 0) return page;
  let last = after;
  for (const key of sorted.from(compareUtf8(after, prefix) > 0 ? after : prefix)) {
    if (!key.startsWith(prefix)) break;
    const entry = groupOf(key, prefix, delimiter);
    if (after !== '' && compareUtf8(entry, after) <= 0) continue;
    if (entry === page.commonPrefixes.at(-1)) continue;
    if (page.keys.length + page.commonPrefixes.length === maxKeys) return { ...page, next: last };
    (entry === key && !isGroup(key, prefix, delimiter) ? page.keys : page.commonPrefixes).push(entry);
    last = entry;
  }
  return page;
}

/** The common prefix that a key is listed under, or the key itself. */
function groupOf(key: string, prefix: string, delimiter: string): string {
  if (!isGroup(key, prefix, delimiter)) return key;
  return key.slice(0, key.indexOf(delimiter, prefix.length) + delimiter.length);
}

const isGroup = (key: string, prefix: string, delimiter: string): boolean =>
  delimiter !== '' && key.indexOf(delimiter, prefix.length) >= 0;

/**
 * Orders two keys as S3 lists them: by their UTF-8 bytes.
 *
 * JavaScript compares UTF-16 units, in which the surrogates of U+10000 and above come before U+E000;
 * in UTF-8 they come after it.
 */
function compareUtf8(a: string, b: string): number {
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
