import { TerminalError } from '../../errors.ts';
import { formatRunKey, isRunId, type RunId, runFolder } from '../../object-store/object-key.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { parseJsonRecord } from '../json-record.ts';
import type { BlockRange, ExtractMessage, IndexOrder, NewRows } from './extract-message.ts';
import type { FollowedSlice, SliceId } from './slices.ts';

/** The content of `state/runs/<run>.json`: what a plan found and sent. It is never changed afterwards. */
export interface RunRecord extends PlannedRun {
  version: 1;
  /** ISO 8601. */
  plannedAt: string;
  /** When the plan before this one looked, ISO 8601; absent for the first. */
  since?: string;
  /** Absent in a record of an older version. */
  messages?: PlannedMessages;
}

/** What a plan found and sent: the result of the plan function, and most of the record of the run. */
export interface PlannedRun {
  run: RunId;
  generation: string;
  /** One for each message that was sent. */
  slices: PlannedSlice[];
  /** All tables that fail now, whether or not an earlier plan has reported them. */
  failures: TableFailure[];
  warnings: string[];
  /** Tables that somebody holds under an exclusive lock; absent where there is none. */
  locked?: LockedTable[];
  /** The censuses that were sent, with runs of their own; absent where there is none, and in a record. */
  censuses?: FollowedSlice[];
  /** Every table of the model, and why it was looked at or left out; absent in a record of an older version. */
  looks?: TableLook[];
}

export interface TableLook {
  /** The source table. */
  table: string;
  isLookedAt: boolean;
  because: LookReason;
  /** Of a table that was left out: what was committed in the source by then is captured, ISO 8601. */
  asOf?: string;
  /** The column by whose index the plan has asked for the newest changes; absent where it has not. */
  byIndex?: string;
}

/** Why a plan has looked at a table, or has not. */
export type LookReason = (typeof lookReasons)[number];

export const lookReasons = [
  // All rows are read.
  'first look',
  'changed definition',
  'requested',
  'old xids',
  // New rows are looked for.
  'asked for',
  'no counters',
  'written to',
  'small',
  'due',
  'many changes',
  // Not looked at.
  'quiet',
  'summarized',
  'in flight',
  'resting',
  'locked',
  'failed',
] as const;

export interface LockedTable {
  /** The source table. */
  table: string;
  /** Who holds which table, in words; absent where the lock was released meanwhile. */
  lock?: string;
  /** The plan has left the table out: what it sent before, under the same lock, is not extracted yet. */
  isLeftOut: boolean;
}

export interface PlannedSlice {
  slice: SliceId;
  /** The source table. */
  table: string;
  /** All rows of the slice, not only new ones. */
  full: boolean;
  /** When its table was planned before, ISO 8601, where that is not the run's `since`: earlier plans left it out. */
  since?: string;
  /** It brings the newest changes forward, and ends no look at the table: nothing counts on it. */
  byIndex?: true;
  /**
   * When its table was last looked at by an index, or was looked at in whole, before this plan, ISO 8601; absent where no index
   * is used.
   */
  freshSince?: string;
}

/** A table that cannot be extracted as it is. The others are not affected. */
export interface TableFailure {
  table: string;
  error: string;
  reason: string;
}

/** What the record keeps of the messages, next to the list of slices: enough to send each of them again. */
export interface PlannedMessages
  extends Pick<ExtractMessage, 'identity' | 'plannedXmax' | 'plannedLsn' | 'model' | 'newRows'> {
  /** By table. */
  fileNodes: Record<string, string>;
  /** By slice. */
  blocks: Record<string, BlockRange>;
  /** By table, where its rows are new from another base on than `newRows`; absent where there is none. */
  tableNewRows?: Record<string, NewRows>;
  /** By slice, of those that read single blocks; absent where there is none. */
  pages?: Record<string, readonly number[]>;
  /** By slice, of those that are read by an index; absent where there is none. */
  byIndex?: Record<string, IndexOrder & { newRows: NewRows }>;
}

/**
 * Formats the record that `readRunRecord` reads.
 *
 * @param since when the plan before this one looked; undefined for the first
 */
export function formatRunRecord(
  { run, messages }: { run: PlannedRun; messages: readonly ExtractMessage[] },
  { plannedAt, since }: { plannedAt: Date; since: string | undefined },
): Uint8Array {
  const packed = packMessages(messages);
  const record: RunRecord = {
    version: 1,
    ...run,
    plannedAt: plannedAt.toISOString(),
    ...(since && { since }),
    ...(packed && { messages: packed }),
  };
  return Buffer.from(JSON.stringify(record));
}

/** @returns undefined for no messages */
export function packMessages(all: readonly ExtractMessage[]): PlannedMessages | undefined {
  const [first] = all;
  if (first === undefined) return undefined;
  const messages = all.filter(({ index }) => index === undefined);
  const byIndex = all.flatMap(({ slice, index, newRows }) =>
    index === undefined || newRows === undefined ? [] : [[slice, { ...index, newRows }] as const],
  );
  const pages = messages.flatMap(({ slice, pages: own }) =>
    own === undefined ? [] : [[slice, own] as const],
  );
  const { identity, plannedXmax, plannedLsn, model } = first;
  // A plan asks most tables for the rows of the same xids, or for all rows.
  const newRows = greatestBase(messages);
  // Two plans may end at one xid, and differ in what was in progress.
  const others = messages.filter(
    (message) => message.newRows !== undefined && !isSame(message.newRows, newRows),
  );
  return {
    identity,
    plannedXmax,
    ...(plannedLsn && { plannedLsn }),
    ...(model !== undefined && { model }),
    ...(newRows && { newRows }),
    fileNodes: Object.fromEntries(
      messages.flatMap(({ table, fileNode }) => (fileNode === undefined ? [] : [[table, fileNode]])),
    ),
    blocks: Object.fromEntries(
      messages.flatMap(({ slice, blocks }) => (blocks === undefined ? [] : [[slice, blocks]])),
    ),
    ...(others.length > 0 && {
      tableNewRows: Object.fromEntries(others.map(({ table, newRows }) => [table, newRows as NewRows])),
    }),
    ...(pages.length > 0 && { pages: Object.fromEntries(pages) }),
    ...(byIndex.length > 0 && { byIndex: Object.fromEntries(byIndex) }),
  };
}

const isSame = (one: NewRows, other: NewRows | undefined): boolean =>
  one.since === other?.since &&
  one.inProgress.join() === other.inProgress.join() &&
  one.unmatched === other.unmatched;

/** Of the tables that the plan before had not left out: their base is the latest. */
function greatestBase(messages: readonly ExtractMessage[]): NewRows | undefined {
  const bases = messages.flatMap(({ newRows }) => newRows ?? []);
  return bases.reduce<NewRows | undefined>(
    (greatest, each) =>
      greatest === undefined || BigInt(each.since) > BigInt(greatest.since) ? each : greatest,
    undefined,
  );
}

/** The message of one slice, as it was sent. */
export function unpackMessage(
  { run, generation, messages }: { run: RunId; generation: string; messages: PlannedMessages },
  { slice, table, full }: PlannedSlice,
): ExtractMessage {
  const { identity, plannedXmax, plannedLsn, model } = messages;
  const { newRows: newByIndex, ...index } = messages.byIndex?.[slice] ?? {};
  const newRows = newByIndex ?? ownOf(messages.tableNewRows ?? {}, table) ?? messages.newRows;
  const [blocks, fileNode] = [messages.blocks[slice], ownOf(messages.fileNodes, table)];
  const pages = messages.pages?.[slice];
  return {
    version: 1,
    run,
    slice,
    table,
    generation,
    identity,
    plannedXmax,
    ...(plannedLsn && { plannedLsn }),
    ...(model !== undefined && { model }),
    ...(!full && newRows && { newRows }),
    ...(blocks && fileNode && { blocks, fileNode }),
    ...(pages && fileNode && { pages, fileNode }),
    ...(newByIndex && { index: index as IndexOrder }),
  };
}

/** A table may have the name of something that every object has. */
const ownOf = <T>(record: Readonly<Record<string, T>>, table: string): T | undefined =>
  Object.hasOwn(record, table) ? record[table] : undefined;

const suffix = '.json';

/** The runs that have a record, the oldest first; with `after`, only later ones. */
export async function* listRuns(
  ingested: Pick<ObjectStore, 'list'>,
  after: RunId | undefined,
): AsyncGenerator<RunId> {
  for await (const { run } of listRunRecords(ingested, after)) yield run;
}

/** The same, with the time at which each record was put, by the clock of the store. */
export async function* listRunRecords(
  ingested: Pick<ObjectStore, 'list'>,
  after: RunId | undefined,
): AsyncGenerator<{ run: RunId; putAt: Date }> {
  for await (const { key, lastModified } of ingested.list(runFolder, after && formatRunKey(after))) {
    const run = key.slice(runFolder.length, -suffix.length);
    if (isRunId(run)) yield { run, putAt: lastModified };
  }
}

/** The last run that has a record; undefined where there is none after this one. */
export async function findLastRun(
  ingested: Pick<ObjectStore, 'list'>,
  after: RunId,
): Promise<RunId | undefined> {
  let last: RunId | undefined;
  for await (const run of listRuns(ingested, after)) last = run;
  return last;
}

/** @throws {TerminalError} the record is not what a plan writes */
export async function readRunRecord(
  ingested: Pick<ObjectStore, 'get'>,
  run: RunId,
): Promise<RunRecord | undefined> {
  const key = formatRunKey(run);
  const object = await ingested.get(key);
  if (object === undefined) return undefined;
  const malformed = (cause?: unknown) =>
    new TerminalError(`${key} is not the record of a run`, { key, cause });
  const record = parseJsonRecord(object.body, (_, cause) => malformed(cause));
  const { plannedAt, slices, failures } = record;
  const isWhole = typeof plannedAt === 'string' && Array.isArray(slices) && Array.isArray(failures);
  if (record.run !== run || !isWhole) throw malformed();
  return record as unknown as RunRecord;
}

/**
 * Whether the plan failed after its record was put. The next plan then begins where this one began, and finds the same
 * rows.
 */
export async function isOverridden(
  ingested: Pick<ObjectStore, 'get' | 'list'>,
  { run, since }: RunRecord,
): Promise<boolean> {
  for await (const next of listRuns(ingested, run))
    return (await readRunRecord(ingested, next))?.since === since;
  return false;
}
