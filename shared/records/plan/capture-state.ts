import { TerminalError } from '../../errors.ts';
import { captureStateKey, isRunId, type RunId } from '../../object-store/object-key.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { isDigits, isJsonObject, parseJsonRecord } from '../json-record.ts';
import { isSliceId, type SliceId } from './slices.ts';
import { isSourceReads, type SourceReads } from './source-reads.ts';

/** Up to where the source was captured: rows of any other xid are new. */
export interface CapturedXids {
  /** Every xid below was finished, except those in the list. Decimal digits of an xid8. */
  base: string;
  inProgress: string[];
}

/** A table is extracted in full when a hash or the text of a label changes. */
export interface TableFingerprint {
  /** Of the table's definition in the source, and of those of the tables that are joined to it. */
  source: string;
  /** Of what the model extracts from it and makes of it; absent in a state of version 1. */
  model?: string;
  /** By their oids: the labels of the enums among its values; absent where there is none, or in a state of an older release. */
  labels?: Readonly<Record<string, string>>;
}

/** What the last plan knew of a table. A table that failed is extracted in full once it is repaired. */
export type TableState = KnownTable | { failed: string };

export interface KnownTable extends TableFingerprint {
  /** Of a table that plans have left out since: its rows are new from here on, and not from the state's `captured`. */
  base?: TableBase;
  /** The slice that was sent while the table was locked; perhaps it is not extracted yet. */
  sentLocked?: { run: RunId; slice: SliceId };
  /** The last run that has sent all of the table; absent where a state of an older release knew the table before. */
  fullRun?: RunId;
  /** Of the last plan that has looked at the table; absent where an older release has looked. */
  look?: LastLook;
  /** Of the last plan that has asked for rows that join none; absent for a table without joins, or of an older release. */
  farSides?: FarSides;
  /** From where on the newest changes are read by an index; absent where none leads by the column. */
  index?: IndexBase;
}

/** What a plan noted of the tables that are joined to one, before it asked for rows of it that join none. */
export interface FarSides {
  /** What the source said of their deletes: while it says the same, no row is known to have lost the one that it names. */
  noted: string;
  /** What it said of updates, among which keys may have changed. */
  updates: string;
  /** ISO 8601. */
  at: string;
}

/** What the last look by an index has left, or the look at the whole table that came after it. It is no base of the table. */
export interface IndexBase {
  /** By which the index leads. */
  column: string;
  /** Of a table that plans have not asked by the index since; absent where the last plan has. */
  base?: TableBase;
  /** The greatest value of the column then, as Postgres reads it; absent where there was none. */
  greatest?: string;
  /** The last slice that was sent to be read by the index. */
  sent?: { run: RunId; slice: SliceId };
}

/** A moment of an earlier plan. */
export interface PlanMark {
  /** The next xid: whatever has it or a greater one has written nothing before. */
  xid: string;
  /** By the server's clock, ISO 8601. */
  at: string;
  /** The position of the log. */
  lsn?: string;
  /** What the plan found afterwards; absent where too much was in progress to be kept. */
  found?: TableBase & {
    /** The position of the log when all that it covers was logged. */
    end: string;
  };
}

/** What a plan noted when it looked for new rows. It may leave a later look out, and never changes which rows are new. */
export interface LastLook {
  /**
   * What the server's statistics had counted before, of the table and of all that are joined to it; absent where they cannot be
   * relied on.
   */
  counters?: string;
  /** The files of the table and of all that are joined to it; absent where an older release has looked. */
  files?: string;
  /** Heap and TOAST of the table; absent where it was locked or took too long. */
  bytes?: number;
  /** How long the look took; of one that extracts do, how long the plan's part of it did. */
  seconds: number;
  /** The run whose extracts look at the table in place of the plan; absent where the plan has looked. */
  byExtractsOf?: RunId;
}

/** Up to where a table was captured, and the instant of the plan that did so. */
export interface TableBase {
  captured: CapturedXids;
  plannedAt: string;
}

/** The content of `state/capture.json`: what one plan leaves for the next. */
export interface CaptureState {
  version: 3;
  /** Goes up with each identity of the source: see nextGeneration. */
  generation: string;
  identity: string;
  /** Absent until a plan of this generation is complete. */
  captured?: CapturedXids;
  tables: Record<string, TableState>;
  /**
   * The hash of the layout of each table as a plan last saw it, also of one that has failed since; absent where no release
   * that knows layouts has planned.
   */
  layouts?: Record<string, string>;
  /** The last run of a complete plan that found something; absent where an older release has planned. */
  lastRun?: RunId;
  /** Tells which key masks columns; absent where none was masked yet. */
  maskKey?: string;
  /** What plans know of the censuses of each source table; absent where none was sent yet. */
  censuses?: Record<string, TableCensuses>;
  /** When the last complete plan read the source, ISO 8601. Everything committed before is captured. */
  plannedAt?: string;
  /** What was read of the source lately; absent where an older release has planned. */
  reads?: SourceReads;
  /** Of earlier plans, the oldest first; absent where an older release has planned. */
  marks?: PlanMark[];
  /** Why the source's counters cannot be asked, as a plan has reported it. */
  countersProblem?: string;
}

/** The censuses of one source table. */
export interface TableCensuses {
  /** Is not known to be over; no other is sent meanwhile. */
  sent?: SentCensus;
  /** The last one that is over: it is ingested, or has failed. */
  last?: EndedCensus;
  /** The last one that was not held: the next one is judged against it. */
  accepted?: { run: RunId; slice: SliceId };
  /** One that was held since, and that nobody has decided of. */
  held?: { run: RunId; slice: SliceId };
  /** The run of one that was under way when the generation began; absent where one is over. */
  before?: RunId;
}

export interface SentCensus {
  run: RunId;
  slice: SliceId;
  /** ISO 8601. */
  at: string;
  /** What the source said of the table's deletes before the census: while it says the same, nothing is known to be deleted. */
  noted: string;
  /** What it said of updates then, among which keys may have changed. */
  updates?: string;
}

export interface EndedCensus extends SentCensus {
  /** How long the source was read for; 0 where it has failed. */
  seconds: number;
}

/** Whether the table has not failed. */
export const isKnown = (table: TableState): table is KnownTable => 'source' in table;

/** What plans know of a table; undefined where none has planned it, or it has failed. */
export function knownOf(
  { tables }: { tables: Readonly<Record<string, TableState>> },
  name: string,
): KnownTable | undefined {
  const table = tables[name];
  return table !== undefined && isKnown(table) ? table : undefined;
}

/** The state and the etag under which it was read. */
export interface ReadState {
  state: CaptureState;
  etag: string;
}

/** @throws {TerminalError} the state is corrupt */
export async function readCaptureState(ingested: Pick<ObjectStore, 'get'>): Promise<ReadState | undefined> {
  const object = await ingested.get(captureStateKey);
  return object && { state: parseCaptureState(object.body), etag: object.etag };
}

/** The inverse of `parseCaptureState`. */
export const formatCaptureState = (state: CaptureState): Uint8Array => Buffer.from(JSON.stringify(state));

/** @throws {TerminalError} it is not a capture state; the message names its key and what to do */
export function parseCaptureState(body: Uint8Array): CaptureState {
  const value = parseJsonRecord(body, corrupt, Number.POSITIVE_INFINITY);
  if (value.version !== 1 && value.version !== 2 && value.version !== 3) {
    throw corrupt(`its version is ${JSON.stringify(value.version)}, and this release knows 1 to 3`);
  }
  if (!isDigits(value.generation)) throw corrupt('it has no valid generation');
  if (typeof value.identity !== 'string') throw corrupt('it has no identity');
  if (value.captured !== undefined && !isCaptured(value.captured)) throw corrupt('its xids are malformed');
  const tables = value.version === 1 ? fromVersion1(value.tables) : value.tables;
  if (!isJsonObject(tables) || !Object.values(tables).every(isTableState)) {
    throw corrupt('its tables are malformed');
  }
  const { layouts = {}, censuses = {} } = value;
  if (!isJsonObject(layouts) || !Object.values(layouts).every((hash) => typeof hash === 'string')) {
    throw corrupt('its layouts are malformed');
  }
  if (!isJsonObject(censuses) || !Object.values(censuses).every(isTableCensuses)) {
    throw corrupt('its censuses are malformed');
  }
  if (value.plannedAt !== undefined && Number.isNaN(Date.parse(String(value.plannedAt)))) {
    throw corrupt(`its plannedAt is ${JSON.stringify(value.plannedAt)}`);
  }
  if (value.marks !== undefined && !(Array.isArray(value.marks) && value.marks.every(isMark))) {
    throw corrupt('its marks of plans are malformed');
  }
  if (value.reads !== undefined && !isSourceReads(value.reads)) throw corrupt('its reads are malformed');
  if (value.lastRun !== undefined && !isRunId(String(value.lastRun))) {
    throw corrupt(`its lastRun is ${JSON.stringify(value.lastRun)}`);
  }
  return { ...value, version: 3, tables } as unknown as CaptureState;
}

/** Version 1 has only the fingerprint of a table's definition in the source. */
function fromVersion1(tables: unknown): unknown {
  if (!isJsonObject(tables)) return tables;
  const states = Object.entries(tables).map(([table, state]) => [
    table,
    isJsonObject(state) && 'fingerprint' in state ? { source: state.fingerprint } : state,
  ]);
  return Object.fromEntries(states);
}

function isCaptured(value: unknown): boolean {
  return (
    isJsonObject(value) &&
    isDigits(value.base) &&
    Array.isArray(value.inProgress) &&
    value.inProgress.every(isDigits)
  );
}

const isTableState = (value: unknown): boolean =>
  isJsonObject(value) &&
  (typeof value.failed === 'string' ||
    (typeof value.source === 'string' &&
      ['string', 'undefined'].includes(typeof value.model) &&
      (value.labels === undefined || isJsonObject(value.labels)) &&
      (value.base === undefined || isBase(value.base)) &&
      (value.sentLocked === undefined || isSentSlice(value.sentLocked)) &&
      (value.look === undefined || isLastLook(value.look)) &&
      (value.farSides === undefined || isFarSides(value.farSides)) &&
      (value.index === undefined || isIndexBase(value.index)) &&
      (value.fullRun === undefined || isRunId(String(value.fullRun)))));

const isBase = (value: unknown): boolean =>
  isJsonObject(value) && isCaptured(value.captured) && !Number.isNaN(Date.parse(String(value.plannedAt)));

const isLastLook = (value: unknown): boolean =>
  isJsonObject(value) &&
  ['string', 'undefined'].includes(typeof value.counters) &&
  ['string', 'undefined'].includes(typeof value.files) &&
  ['number', 'undefined'].includes(typeof value.bytes) &&
  typeof value.seconds === 'number' &&
  (value.byExtractsOf === undefined || isRunId(String(value.byExtractsOf)));

const isFarSides = (value: unknown): boolean =>
  isJsonObject(value) &&
  typeof value.noted === 'string' &&
  typeof value.updates === 'string' &&
  !Number.isNaN(Date.parse(String(value.at)));

const isIndexBase = (value: unknown): boolean =>
  isJsonObject(value) &&
  typeof value.column === 'string' &&
  ['string', 'undefined'].includes(typeof value.greatest) &&
  (value.base === undefined || isBase(value.base)) &&
  (value.sent === undefined || isSentSlice(value.sent));

const isMark = (value: unknown): boolean =>
  isJsonObject(value) &&
  isDigits(value.xid) &&
  !Number.isNaN(Date.parse(String(value.at))) &&
  (value.lsn === undefined || isLsn(value.lsn)) &&
  (value.found === undefined || (isJsonObject(value.found) && isBase(value.found) && isLsn(value.found.end)));

const isLsn = (value: unknown): boolean =>
  typeof value === 'string' && /^[\dA-F]{1,8}\/[\dA-F]{1,8}$/.test(value);

const isSentSlice = (value: unknown): boolean =>
  isJsonObject(value) && isRunId(String(value.run)) && isSliceId(String(value.slice));

const isTableCensuses = (value: unknown): boolean =>
  isJsonObject(value) &&
  (value.sent === undefined || isSentCensus(value.sent)) &&
  (value.last === undefined ||
    (isSentCensus(value.last) && typeof Object(value.last).seconds === 'number')) &&
  (value.accepted === undefined || isSentSlice(value.accepted)) &&
  (value.held === undefined || isSentSlice(value.held)) &&
  (value.before === undefined || isRunId(String(value.before)));

const isSentCensus = (value: unknown): boolean =>
  isSentSlice(value) &&
  isJsonObject(value) &&
  !Number.isNaN(Date.parse(String(value.at))) &&
  typeof value.noted === 'string';

function corrupt(reason: string, cause?: unknown): TerminalError {
  return new TerminalError(
    `the capture state ${captureStateKey} is corrupt: ${reason}. Restore it, or delete it to extract everything again`,
    { key: captureStateKey, cause },
  );
}
