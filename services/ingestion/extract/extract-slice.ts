import { censusFieldsOf } from '../../../shared/census/census-table.ts';
import { type CensusRange, isSameBound } from '../../../shared/census/range.ts';
import { keysOfObject } from '../../../shared/census/size.ts';
import { toPipelineError } from '../../../shared/classify-error.ts';
import { TerminalError, TransientError } from '../../../shared/errors.ts';
import type { Model, SourceTable } from '../../../shared/model/model.ts';
import { formatObjectKey } from '../../../shared/object-store/object-key.ts';
import {
  formatIngestedMetadata,
  parseIngestedMetadata,
} from '../../../shared/object-store/object-metadata.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import type { Database } from '../../../shared/postgres/database.ts';
import { readCaptureState } from '../../../shared/records/plan/capture-state.ts';
import { hasObject, noteEmptySlice, noteSkippedSlice } from '../../../shared/records/plan/empty-slices.ts';
import type { CensusOrder, ExtractMessage } from '../../../shared/records/plan/extract-message.ts';
import type { PutLayout } from '../../../shared/records/plan/layout.ts';
import { halvesOf, type SliceId } from '../../../shared/records/plan/slices.ts';
import { releaseMemory } from '../../../shared/release-memory.ts';
import { hasMasked, type Mask } from '../source/mask.ts';
import { type PreviousPart, readPreviousPart } from './census-parts.ts';
import { ObjectTooLarge } from './compressed-rows.ts';
import { judgeCensus } from './judge-census.ts';
import { type Census, isBelowBound, readCensus } from './read-census.ts';
import { type OtherSource, type ReadOptions, readSlice, type SliceContent } from './read-slice.ts';

export interface ExtractDeps extends ReadOptions {
  database: Pick<Database, 'withClient'>;
  ingested: ObjectStore;
  /** Puts the halves of a slice on the extract queue. */
  send: (messages: readonly ExtractMessage[]) => Promise<void>;
  putLayout: PutLayout;
  model: Model;
  /** Of the published model: the object carries it. */
  modelNumber?: number;
  /** Finds the key for masked columns, see `findMask`. */
  findMask?(wantedId: string | undefined): Promise<Mask | undefined>;
  /** Whether the model is in force at this very moment. */
  isInForce?(): Promise<boolean>;
}

export interface ExtractOutcome {
  /**
   * - `ingested`: the object is there now
   * - `already ingested`: it was there before
   * - `superseded`: the source has a new identity, and a later plan covers everything
   * - `nothing new`: nothing was put but a note of that
   * - `skipped`: nothing was put but a note of that; the next look at the whole table finds what is new
   * - `split`: nothing was put; the halves of the slice are on the queue
   * - `other model`: nothing was put; the slice must be extracted by the model that is in force now
   * - `not in the model`: nothing was put; the table has left the model since the slice was planned
   */
  outcome:
    | 'ingested'
    | 'already ingested'
    | 'nothing new'
    | 'skipped'
    | 'superseded'
    | 'split'
    | 'other model'
    | 'not in the model';
  /** Rows read. */
  rows: number;
}

/**
 * Extracts one slice of one table into one object of the ingested zone, in one atomic put.
 *
 * It can be repeated at any time: an existing object stays, and an object that is made later has the version of its
 * own, later snapshot.
 *
 * @throws {TransientError} the source or S3 cannot be reached, the table is locked, the server is not the one that
 * was planned on or lags behind it
 * @throws {TerminalError} the table cannot be read as the model has it, or one block of it is above the limit
 */
export async function extractSlice(message: ExtractMessage, deps: ExtractDeps): Promise<ExtractOutcome> {
  try {
    const table = deps.model.sources.find(({ name }) => name === message.table);
    if (table === undefined) return await passOver(deps);
    // Before the connection is lent: the secret may be asked for.
    const mask = hasMasked(table)
      ? await deps.findMask?.((await readCaptureState(deps.ingested))?.state.maskKey)
      : undefined;
    const options = { ...deps, mask };
    if (message.census !== undefined) return await extractCensus(message, message.census, table, options);
    const begun = performance.now();
    const content = await deps.database.withClient((client) => readSlice(client, message, table, options));
    const seconds = (performance.now() - begun) / 1000;
    if (content.kind === 'other source') return await supersede(message, deps);
    if (content.kind === 'too large') return await split(message, content, deps);
    if (content.kind === 'skipped') return await noteSkipped(message, deps);
    // After the snapshot: so what any extract by a later model reads is as new or newer, and what this one lacks comes back.
    if ((await deps.isInForce?.()) === false) return { outcome: 'other model', rows: 0 };
    const { run, slice } = message;
    const key = formatObjectKey({ zone: 'ingested', table: table.name, run, slice });
    const { version, rows, readAt } = content;
    const { modelNumber } = deps;
    if (rows === 0 && message.newRows !== undefined) return await noteNothingNew(message, seconds, deps);
    // First: an object must never name a layout that is not there.
    const layout = await deps.putLayout(content.layout);
    const metadata = formatIngestedMetadata({
      version,
      rows,
      readAt,
      layout,
      ...(modelNumber !== undefined && { model: modelNumber }),
    });
    const put = await deps.ingested.create(key, content.bytes, metadata);
    if (put === 'created') releaseMemory(content.bytes);
    return { outcome: put === 'created' ? 'ingested' : 'already ingested', rows: content.rows };
  } catch (error) {
    throw toPipelineError(describeTooLarge(error, message), { table: message.table });
  }
}

/** An earlier delivery of the message may have found something, or have cut the slice. */
async function noteNothingNew(
  { run, slice, table }: ExtractMessage,
  seconds: number,
  { ingested }: ExtractDeps,
): Promise<ExtractOutcome> {
  if (await hasObject(ingested, { run, slice, table })) return { outcome: 'already ingested', rows: 0 };
  await noteEmptySlice(ingested, { run, slice, table }, seconds);
  return { outcome: 'nothing new', rows: 0 };
}

async function noteSkipped(
  { run, slice, table }: ExtractMessage,
  { ingested }: ExtractDeps,
): Promise<ExtractOutcome> {
  await noteSkippedSlice(ingested, { run, slice, table });
  return { outcome: 'skipped', rows: 0 };
}

/** A table that comes back to the model later is read in full, because no plan in between has known it. */
async function passOver({ isInForce }: ExtractDeps): Promise<ExtractOutcome> {
  const isOutdated = (await isInForce?.()) === false;
  return { outcome: isOutdated ? 'other model' : 'not in the model', rows: 0 };
}

/**
 * The keys of a table, or the lowest part of those that are left to read. The others are read by another message, in a snapshot
 * of their own: the parts of a large table are the halves of a slice, and of its upper half again.
 */
async function extractCensus(
  message: ExtractMessage,
  order: CensusOrder,
  table: SourceTable,
  deps: ExtractDeps & { mask: Mask | undefined },
): Promise<ExtractOutcome> {
  const { ingested, modelNumber } = deps;
  const { run, slice } = message;
  const [lower, upper] = halvesOf(slice);
  const keyOf = (each: SliceId) =>
    formatObjectKey({ zone: 'ingested', table: table.name, run, slice: each, census: true });
  // An attempt before this one may have died before it sent the rest.
  const put = await ingested.head(keyOf(lower));
  const previous = await readPreviousPart(table.name, order, ingested);
  const sendRest = (to: readonly string[]) =>
    deps.send([{ ...message, slice: upper, census: orderRest(order, previous, to) }]);
  if (put !== undefined) {
    const { rows, census } = parseIngestedMetadata(keyOf(lower), put.metadata);
    if (census?.to !== undefined) await sendRest(census.to);
    return { outcome: 'already ingested', rows };
  }
  const range: CensusRange = {
    ...(order.from !== undefined && { from: order.from }),
    ...(previous?.range.to !== undefined && { to: previous.range.to }),
  };
  const content = await readWhatFits(message, table, deps, range);
  if (content.kind === 'other source') return supersede(message, deps);
  if ((await deps.isInForce?.()) === false) return { outcome: 'other model', rows: 0 };
  const { version, rows, seconds, bytes, to } = content;
  const read: CensusRange = { ...range, ...(to !== undefined && { to }) };
  const { isCompared, held } = await judgeCensus({ keys: bytes, range: read }, previous, (key, bound) =>
    deps.database.withClient((client) => isBelowBound(client, table, { key, bound })),
  );
  const metadata = formatIngestedMetadata({
    version,
    rows,
    census: {
      seconds,
      ...(isCompared && previous && { previous: previous.run, previousSlice: previous.slice }),
      ...(held !== undefined && table.isGuarded && { held }),
      ...read,
    },
    ...(modelNumber !== undefined && { model: modelNumber }),
  });
  const key = keyOf(to === undefined ? slice : lower);
  const created = await ingested.create(key, bytes, metadata);
  if (to !== undefined) await sendRest(to);
  return { outcome: created === 'created' ? 'ingested' : 'already ingested', rows };
}

/** Reads fewer and fewer keys until they have room in an object. A connection whose COPY was broken off reads no more. */
async function readWhatFits(
  message: ExtractMessage,
  table: SourceTable,
  deps: ExtractDeps & { mask: Mask | undefined },
  range: CensusRange,
): Promise<Census | OtherSource> {
  let maxKeys: number | undefined;
  for (;;) {
    const content = await deps.database.withClient((client) =>
      readCensus(client, message, table, deps, { range, maxKeys }),
    );
    if (content.kind !== 'too large') return content;
    const most = maxKeys ?? keysOfObject(censusFieldsOf(table), deps.censusLimits);
    maxKeys = Math.max(1, Math.floor(most / 2));
  }
}

/** What is left to read above a bound. */
function orderRest(
  { previous: named }: CensusOrder,
  previous: PreviousPart | undefined,
  to: readonly string[],
): CensusOrder {
  const part = isSameBound(previous?.range.to, to) ? previous?.next : previous?.slice;
  return { ...(named && { previous: named }), from: to, ...(part !== undefined && { part }) };
}

/**
 * If a newer generation exists, its plan covers everything. If not, the next plan will, or this connection led
 * elsewhere.
 */
async function supersede({ generation }: ExtractMessage, { ingested }: ExtractDeps): Promise<ExtractOutcome> {
  const read = await readCaptureState(ingested);
  if (read !== undefined && BigInt(read.state.generation) > BigInt(generation)) {
    return { outcome: 'superseded', rows: 0 };
  }
  throw new TransientError(
    'the source is not the server that was planned on: it was restarted, replaced or promoted since, or its ' +
      'address leads to several servers, which cannot be a source',
  );
}

async function split(
  message: ExtractMessage,
  { halves, fileNode }: SliceContent & { kind: 'too large' },
  { send }: ExtractDeps,
): Promise<ExtractOutcome> {
  const [lower, upper] = halvesOf(message.slice);
  await send([
    { ...message, slice: lower, ...halves[0], fileNode },
    { ...message, slice: upper, ...halves[1], fileNode },
  ]);
  return { outcome: 'split', rows: 0 };
}

function describeTooLarge(error: unknown, { table }: ExtractMessage): unknown {
  if (!(error instanceof ObjectTooLarge)) return error;
  return new TerminalError(
    `one block of ${table} holds ${error.message}. Shorten its texts in the source, or leave their column out of the model`,
    { table, cause: error },
  );
}
