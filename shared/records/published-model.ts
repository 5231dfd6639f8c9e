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

export interface Publication extends ModelPointer {
  outcome: 'published' | 'in force already';
}

/**
 * Makes a model the one that is in force. Publishing the model that is in force already changes nothing.
 *
 * @param accept is called with the model that it would replace; what it throws keeps that one in force
 * @throws {TransientError} another model is being published
 */
export async function publishModel(
  ingested: Pick<ObjectStore, 'get' | 'create' | 'replace'>,
  definition: ModelDefinition,
  accept: (inForce: ModelDefinition) => Promise<void> | void = () => {},
): Promise<Publication> {
  // First: a pointer must never name a model that is not there.
  const hash = await putModel(ingested, definition);
  for (;;) {
    const stored = await ingested.get(modelPointerKey);
    const current = stored && parsePointer(stored.body);
    if (current?.hash === hash) return { ...current, outcome: 'in force already' };
    // Nothing can be compared with a model that S3 has lost, and no function works until another one is published.
    const inForce = current && (await readDefinition(ingested, current.hash));
    if (inForce !== undefined) await accept(inForce);
    const next = { number: (current?.number ?? 0) + 1, hash };
    const body = Buffer.from(JSON.stringify({ version: 1, ...next }));
    if (await ingested.replace(modelPointerKey, body, stored?.etag)) return { ...next, outcome: 'published' };
  }
}

/** The hash that a definition is published under. */
export const hashOf = (definition: ModelDefinition): string => formatDefinition(definition).hash;

/**
 * Puts a model's object without making it the one in force: another model may name it.
 *
 * @returns its hash
 */
export async function putModel(
  ingested: Pick<ObjectStore, 'create'>,
  definition: ModelDefinition,
): Promise<string> {
  const { text, hash } = formatDefinition(definition);
  await ingested.create(modelKey(hash), Buffer.from(text));
  return hash;
}

function formatDefinition(definition: ModelDefinition): { text: string; hash: string } {
  const text = JSON.stringify(definition);
  return { text, hash: createHash('sha256').update(text).digest('hex') };
}

/**
 * Asks whether a model is in force already, which costs one request.
 *
 * @returns undefined where another one is, or none
 */
export async function findInForce(
  ingested: Pick<ObjectStore, 'get'>,
  definition: ModelDefinition,
): Promise<Publication | undefined> {
  const stored = await ingested.get(modelPointerKey);
  const current = stored && parsePointer(stored.body);
  if (current?.hash !== formatDefinition(definition).hash) return undefined;
  return { ...current, outcome: 'in force already' };
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

export interface ReadOptions {
  /** The number of a model that is known to have been published: a reader that knows an older one alone looks at once. */
  atLeast?: number | undefined;
  /** Looks at once in any case. */
  isFresh?: boolean;
}

export type ReadModel = (options?: ReadOptions) => Promise<PublishedModel>;

/**
 * Makes a reader of the model in force for a process that lives long: it looks for another model once a minute.
 *
 * The pointer is right whatever numbers say: where it is lost, numbers begin anew.
 *
 * @throws {RefusedError} of the reader: no model has been published yet
 */
export function makeModelReader(
  ingested: Pick<ObjectStore, 'get'>,
  { maxAgeMs = 60_000 }: { maxAgeMs?: number } = {},
): ReadModel {
  let known: PublishedModel | undefined;
  let knownUntil = 0;
  return async ({ atLeast = 0, isFresh = false } = {}) => {
    const isRecent = !isFresh && performance.now() < knownUntil;
    if (known !== undefined && known.number >= atLeast && isRecent) return known;
    const stored = await ingested.get(modelPointerKey);
    if (stored === undefined) {
      throw new RefusedError(
        'no model has been published for this pipeline: a deploy, starlift publish and starlift run publish it',
        { by: 'AWS', key: modelPointerKey },
      );
    }
    const pointer = parsePointer(stored.body);
    // A model that comes back has another number, and is the same object.
    const model = known?.hash === pointer.hash ? known.model : await readModel(ingested, pointer.hash);
    known = { ...pointer, model };
    knownUntil = performance.now() + maxAgeMs;
    return known;
  };
}

/** The last one that was read: a worker of one machine has several readers, and the object of a hash never changes. */
let latest: { hash: string; model: Model } | undefined;

async function readModel(ingested: Pick<ObjectStore, 'get'>, hash: string): Promise<Model> {
  if (latest?.hash === hash) return latest.model;
  const key = modelKey(hash);
  const definition = await readDefinition(ingested, hash);
  if (definition === undefined) throw new RefusedError(`${key} is not there yet`, { by: 'AWS', key });
  latest = { hash, model: assembleModel(definition) };
  return latest.model;
}

/** @returns undefined before the first model is published, or where S3 has lost it */
export async function readDefinitionInForce(
  ingested: Pick<ObjectStore, 'get'>,
): Promise<ModelDefinition | undefined> {
  const stored = await ingested.get(modelPointerKey);
  return stored && readDefinition(ingested, parsePointer(stored.body).hash);
}

/** @returns undefined where no such model was published, or S3 has lost it */
export async function readDefinition(
  ingested: Pick<ObjectStore, 'get'>,
  hash: string,
): Promise<ModelDefinition | undefined> {
  const stored = await ingested.get(modelKey(hash));
  return stored && (JSON.parse(Buffer.from(stored.body).toString()) as ModelDefinition);
}

/** All models that were ever published, and those that were to be. */
export async function* readPublishedDefinitions(
  ingested: Pick<ObjectStore, 'get' | 'list'>,
): AsyncGenerator<ModelDefinition> {
  for await (const { key } of ingested.list('state/models/')) {
    const stored = await ingested.get(key);
    if (stored !== undefined) yield JSON.parse(Buffer.from(stored.body).toString()) as ModelDefinition;
  }
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
