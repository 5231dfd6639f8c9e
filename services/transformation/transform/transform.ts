import { createZstdDecompress } from 'node:zlib';
import { censusTableOf } from '../../../shared/census/census-table.ts';
import { LostObjectError } from '../../../shared/errors.ts';
import type { Model } from '../../../shared/model/model.ts';
import { formatObjectKey, type IngestedKey } from '../../../shared/object-store/object-key.ts';
import {
  type IngestedMetadata,
  parseIngestedMetadata,
} from '../../../shared/object-store/object-metadata.ts';
import type { ObjectStore, PutOutcome } from '../../../shared/object-store/object-store.ts';
import type { ReadLayout } from '../../../shared/records/plan/layout.ts';
import { releaseMemory } from '../../../shared/release-memory.ts';
import type { LineFields } from '../rows/line-fields.ts';
import { maxRowsPerBatch } from '../rows/row-batches.ts';
import { transformRows } from '../rows/transform-rows.ts';
import { type PublishDeps, publish, type WantedRevision } from './publish.ts';
import { readLineFields } from './read-line-fields.ts';

export interface TransformDeps extends PublishDeps {
  ingested: Pick<ObjectStore, 'get'>;
  readLayout: ReadLayout;
  model: Model;
  /** Of the published model: the objects carry it. */
  modelNumber?: number;
  warn(message: string, detail: Record<string, unknown>): void;
}

export interface TransformOptions {
  /** The id of a replay: it puts the objects once more, as a new revision. */
  replay?: string | undefined;
  /** The least revision to put: the ledger may know objects of every lower one. */
  leastRevision?: number;
}

export interface TransformedTable {
  table: string;
  /** The processed object. */
  key: string;
  rows: number;
  quarantined: number;
  outcome: PutOutcome;
}

export interface TransformResult {
  /** The ingested object. */
  key: string;
  /** The number of a later model that the object was made by: nothing was done, and it must be transformed by that one. */
  laterModel?: number;
  /** The model has no such source table: nothing was done, and nothing is left to do unless another model is in force. */
  isUnknown?: boolean;
  /** Empty for a source that feeds no warehouse table. */
  tables: TransformedTable[];
}

/**
 * Transforms one ingested object into the Parquet objects of the warehouse tables that its source feeds; for a
 * fact, also of the dates that its rows name. Of a census into objects of their keys.
 *
 * A pure function of the object, of the model and, for an object of earlier, of its table's newest layout: repeating it gives
 * the same result, and leaves existing objects as they are.
 *
 * @throws {TransientError} S3 or EventBridge cannot be reached, or no plan has looked up the model's fields yet
 * @throws {TerminalError} the object is not there, not whole, or not an extract's
 */
export async function transformObject(
  key: IngestedKey,
  deps: TransformDeps,
  { replay, leastRevision = 0 }: TransformOptions = {},
): Promise<TransformResult> {
  const source = deps.model.sources.find(({ name }) => name === key.table);
  const result: TransformResult = { key: formatObjectKey(key), tables: [] };
  if (source === undefined) return { ...result, isUnknown: true };
  const { feeds } = source;
  if (feeds.length === 0) return result;
  const object = await readIngested(deps.ingested, key);
  const { model = 0 } = object.metadata;
  if (deps.modelNumber !== undefined && model > deps.modelNumber) return { ...result, laterModel: model };
  const isOlder = model < (deps.modelNumber ?? 0);
  // Any other object has just been made by the newest layout, or all of its table is extracted after it.
  const { layout } = object.metadata;
  const lines =
    isOlder || replay !== undefined ? await readLineFields(source, { layout, isOlder }, deps) : undefined;
  const made = { object, isOlder, lines };
  for (const table of feeds) {
    const revision = { isReplay: replay !== undefined, leastRevision };
    result.tables.push(await transformInto(table, made, deps, revision));
  }
  releaseMemory(object.body);
  return result;
}

interface IngestedObject {
  key: IngestedKey;
  metadata: IngestedMetadata;
  /** zstd. */
  body: Uint8Array;
}

/** @throws {LostObjectError} there is no such object, it is empty, or its metadata is not an extract's */
async function readIngested(store: Pick<ObjectStore, 'get'>, key: IngestedKey): Promise<IngestedObject> {
  const name = formatObjectKey(key);
  const object = await store.get(name);
  if (object === undefined) throw lost(key, 'the ingested object is not there');
  if (object.body.length === 0) throw lost(key, 'the ingested object is empty');
  return { key, metadata: readMetadata(key, object.metadata), body: object.body };
}

/** Another tool that copies or overwrites an object drops its metadata. */
function readMetadata(key: IngestedKey, metadata: Record<string, string>): IngestedMetadata {
  try {
    return parseIngestedMetadata(formatObjectKey(key), metadata);
  } catch (cause) {
    throw lost(key, `the ingested object has lost its metadata (${describeCause(cause)})`, cause);
  }
}

const describeCause = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

async function transformInto(
  tableName: string,
  { object, isOlder, lines }: { object: IngestedObject; isOlder: boolean; lines: LineFields | undefined },
  deps: TransformDeps,
  revision: WantedRevision,
): Promise<TransformedTable> {
  const { key: source, metadata } = object;
  const fed = deps.model.table(tableName);
  if (fed.kind === 'calendar') throw new TypeError(`${tableName} is made of dates, not of a source`);
  const table = source.census === undefined ? fed : censusTableOf(fed);
  const calendar = source.census === undefined ? deps.model.calendar : undefined;
  const rowsPerBatch = Math.min(maxRowsPerBatch, Math.max(1, object.metadata.rows));
  const rows = await transformRows(decompress(object), table, calendar, {
    rowsPerBatch,
    isOlder,
    ...(lines !== undefined && { lines }),
  });
  assertWhole(object, rows.lines);
  for (const { lookup, texts } of rows.unlisted) {
    deps.warn('a lookup does not list these texts', { key: formatObjectKey(object.key), lookup, texts });
  }
  const publication = {
    source,
    version: metadata.version,
    readAt: metadata.readAt,
    census: metadata.census,
    modelNumber: deps.modelNumber,
    table: tableName,
    calendar: calendar?.name,
    rows,
  };
  const put = await publish(publication, deps, revision);
  return { table: tableName, ...put, rows: rows.rows, quarantined: rows.quarantine.rows };
}

const chunkBytes = 256 * 1024;

/**
 * The object's NDJSON, piece by piece, decompressed on a thread of its own. A piece is valid until the next one is
 * requested.
 *
 * @throws {LostObjectError} the body is not zstd, or ends too early
 */
async function* decompress({ key, body }: IngestedObject): AsyncGenerator<Uint8Array> {
  const decompressed = createZstdDecompress({ chunkSize: chunkBytes });
  decompressed.end(body);
  try {
    for await (const chunk of decompressed) {
      yield chunk;
      releaseIfFull(chunk);
    }
  } catch (cause) {
    throw lost(key, 'the ingested object cannot be decompressed', cause);
  }
}

/** zlib fills a buffer with one chunk or several, and then takes another buffer. */
function releaseIfFull({ buffer, byteOffset, length }: Buffer<ArrayBuffer>): void {
  if (buffer.byteLength === chunkBytes && byteOffset + length === chunkBytes) buffer.transfer(0);
}

/**
 * @param lines how many the body holds
 * @throws {LostObjectError} not as many as the extract wrote
 */
function assertWhole({ key, metadata }: IngestedObject, lines: number): void {
  if (lines === metadata.rows) return;
  throw lost(key, `the ingested object's number of rows is ${lines}, and its metadata says ${metadata.rows}`);
}

/** The rows are in the source still, in the version that they have now. */
const lost = (key: IngestedKey, what: string, cause?: unknown): LostObjectError =>
  new LostObjectError(
    `${what}. Read its table from the source again: starlift resync --table ${key.table}. ` +
      `Then discard this message: starlift failures drop --table ${key.table}`,
    { table: key.table, key: formatObjectKey(key), cause },
  );
