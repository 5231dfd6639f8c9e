import { createHash } from 'node:crypto';
import { RefusedError } from '../errors.ts';
import type { ModelDefinition } from '../model/define.ts';
import { assembleModel, type Model } from '../model/model.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { parseJsonRecord } from './json-record.ts';

/** Names the model that is in force. Written by whoever publishes one, read by every function. */
export const modelPointerKey = 'state/model.json';

/** A model as it was published; its object never changes. */
export const modelKey = (hash: string): string => `state/models/${hash}.json`;

export interface ModelPointer {
  /** One more with each model that takes another's place. */
  number: number;
  /** Of the definition: SHA-256, hexadecimal. */
  hash: string;
}

export interface PublishedModel extends ModelPointer {
  model: Model;
}

/**
 * Makes a model the one that is in force. Publishing the model that is in force already changes nothing.
 *
 * @throws {TransientError} another model is being published
 */
export async function publishModel(
  ingested: Pick<ObjectStore, 'get' | 'create' | 'replace'>,
  definition: ModelDefinition,
): Promise<ModelPointer> {
  const text = JSON.stringify(definition);
  const hash = createHash('sha256').update(text).digest('hex');
  for (;;) {
    const stored = await ingested.get(modelPointerKey);
    const current = stored && parsePointer(stored.body);
    if (current?.hash === hash) return current;
    // First: a pointer must never name a model that is not there.
    await ingested.create(modelKey(hash), Buffer.from(text));
    const next = { number: (current?.number ?? 0) + 1, hash };
    const body = Buffer.from(JSON.stringify({ version: 1, ...next }));
    if (await ingested.replace(modelPointerKey, body, stored?.etag)) return next;
  }
}

/** @returns undefined before the first model is published */
export async function readPublishedModel(
  ingested: Pick<ObjectStore, 'get'>,
): Promise<PublishedModel | undefined> {
  const stored = await ingested.get(modelPointerKey);
  if (stored === undefined) return undefined;
  const pointer = parsePointer(stored.body);
  return { ...pointer, model: await readModel(ingested, pointer.hash) };
}

/**
 * Makes a reader of the model in force for a process that lives long: it looks for another model once a minute.
 *
 * @throws {RefusedError} of the reader: no model has been published yet
 */
export function makeModelReader(
  ingested: Pick<ObjectStore, 'get'>,
  { maxAgeMs = 60_000 }: { maxAgeMs?: number } = {},
): () => Promise<PublishedModel> {
  let known: PublishedModel | undefined;
  let knownUntil = 0;
  return async () => {
    if (known !== undefined && performance.now() < knownUntil) return known;
    const stored = await ingested.get(modelPointerKey);
    if (stored === undefined) {
      throw new RefusedError('no model has been published for this pipeline: starlift run publishes it', {
        by: 'AWS',
        key: modelPointerKey,
      });
    }
    const pointer = parsePointer(stored.body);
    if (known?.hash !== pointer.hash) {
      known = { ...pointer, model: await readModel(ingested, pointer.hash) };
    }
    knownUntil = performance.now() + maxAgeMs;
    return known;
  };
}

async function readModel(ingested: Pick<ObjectStore, 'get'>, hash: string): Promise<Model> {
  const key = modelKey(hash);
  const stored = await ingested.get(key);
  if (stored === undefined) throw new RefusedError(`${key} is not there yet`, { by: 'AWS', key });
  return assembleModel(JSON.parse(Buffer.from(stored.body).toString()) as ModelDefinition);
}

function parsePointer(body: Uint8Array): ModelPointer {
  const malformed = (cause?: unknown) =>
    new RefusedError(`${modelPointerKey} is not what publishing a model writes`, {
      by: 'AWS',
      key: modelPointerKey,
      cause,
    });
  const { number, hash } = parseJsonRecord(Buffer.from(body).toString(), (_, cause) => malformed(cause));
  if (typeof number !== 'number' || typeof hash !== 'string') throw malformed();
  return { number, hash };
}
