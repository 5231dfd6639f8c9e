import { createHash } from 'node:crypto';
import type { ObjectStore, StoredObject } from '../../../shared/object-store/object-store.ts';

export interface MemoryStore extends ObjectStore {
  objects: Map<string, StoredObject>;
}

/**
 * A bucket in memory, for tests of the source's side. What S3 itself does is tested against S3.
 *
 * @param now by which objects are put
 */
export function makeMemoryStore(now: () => Date = () => new Date()): MemoryStore {
  const objects = new Map<string, StoredObject>();
  const putAt = new Map<string, Date>();
  const store = (key: string, body: Uint8Array, metadata: Record<string, string> = {}) => {
    const etag = `${createHash('md5').update(body).digest('hex')}-${Math.random()}`;
    putAt.set(key, now());
    objects.set(key, { body: Uint8Array.from(body), metadata, etag });
  };
  return {
    bucket: 'ingested',
    objects,
    get: async (key) => {
      const object = objects.get(key);
      return object && { ...object, body: Uint8Array.from(object.body) };
    },
    head: async (key) => objects.get(key),
    create: async (key, body, metadata) => {
      if (objects.has(key)) return 'already there';
      store(key, body, metadata);
      return 'created';
    },
    replace: async (key, body, etag, metadata) => {
      if (objects.get(key)?.etag !== etag) return false;
      store(key, body, metadata);
      return true;
    },
    put: async (key, body) => store(key, body),
    delete: async (key) => {
      objects.delete(key);
    },
    list: async function* (prefix, after = '') {
      for (const key of [...objects.keys()]
        .filter((each) => each.startsWith(prefix) && each > after)
        .sort()) {
        yield { key, size: objects.get(key)?.body.length ?? 0, lastModified: putAt.get(key) ?? new Date(0) };
      }
    },
  };
}
