import { compareUtf8, type SortedKeys } from './sorted-keys.ts';

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
