import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BucketStore } from './bucket-store.ts';

/** Objects below the prefix are deleted once they are so old, as by a lifecycle rule of S3. */
export interface ExpiryRule {
  bucket: string;
  prefix: string;
  days: number;
}

export interface Expiry {
  /** Ends when the deletion that is under way has ended. */
  stop(): Promise<void>;
}

const periodMs = 3_600_000;
const dayMs = 86_400_000;
/** Deleting is synchronous, and requests wait for it. */
const objectsOfTurn = 100;

/**
 * Deletes the objects that have expired, at once and then every hour.
 *
 * @param now milliseconds of the clock by which objects are put
 */
export function startExpiry(
  buckets: BucketStore,
  rules: readonly ExpiryRule[],
  now: () => number = () => Date.now(),
): Expiry {
  let isStopped = false;
  const expireAll = async () => {
    for (const rule of rules) await expire(rule);
  };
  const expire = async ({ bucket, prefix, days }: ExpiryRule) => {
    const before = now() - days * dayMs;
    let after: string | undefined = '';
    while (after !== undefined && !isStopped) {
      const page = buckets.list(bucket, { prefix, delimiter: '', after, maxKeys: objectsOfTurn });
      for (const key of page.keys) {
        if (buckets.headObject(bucket, key).lastModified.getTime() < before)
          buckets.deleteObject(bucket, key);
      }
      after = page.next;
      await nextTurn();
    }
  };
  let working = expireAll();
  const timer = setInterval(() => {
    working = working.then(expireAll);
  }, periodMs);
  timer.unref();
  return {
    stop: async () => {
      isStopped = true;
      clearInterval(timer);
      await working;
    },
  };
}
