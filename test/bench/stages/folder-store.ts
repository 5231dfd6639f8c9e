import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ListedObject, ObjectStore, StoredObject } from '../../../shared/object-store/object-store.ts';

const metadataSuffix = '.metadata';

/** A folder as a bucket: a stage is measured without HTTP. */
export function makeFolderStore(folder: string): ObjectStore {
  const get = async (key: string): Promise<StoredObject | undefined> => {
    const path = join(folder, key);
    if (!existsSync(path)) return undefined;
    const body = readFileSync(path);
    return { body, metadata: JSON.parse(readFileSync(path + metadataSuffix, 'utf8')), etag: etagOf(body) };
  };
  const put = async (key: string, body: Uint8Array, metadata: Record<string, string> = {}) => {
    const path = join(folder, key);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, body);
    writeFileSync(path + metadataSuffix, JSON.stringify(metadata));
  };
  return {
    bucket: folder,
    get,
    head: get,
    create: async (key, body, metadata) => {
      if (existsSync(join(folder, key))) return 'already there';
      await put(key, body, metadata);
      return 'created';
    },
    replace: async (key, body, etag) => {
      if ((await get(key))?.etag !== etag) return false;
      await put(key, body);
      return true;
    },
    put,
    delete: async (key) => rmSync(join(folder, key), { force: true }),
    list: (prefix) => list(folder, prefix),
  };
}

async function* list(folder: string, prefix: string): AsyncIterable<ListedObject> {
  for (const key of listKeys(folder)) {
    if (key.startsWith(prefix)) yield { key, size: 0, lastModified: new Date(0) };
  }
}

/** All objects' keys, in their order. */
export const listKeys = (folder: string): string[] =>
  (readdirSync(folder, { recursive: true }) as string[])
    .filter((path) => /\.[a-z]+$/.test(path) && !path.endsWith(metadataSuffix))
    .sort();

const etagOf = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex');
