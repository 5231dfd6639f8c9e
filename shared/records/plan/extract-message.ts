import { TerminalError } from '../../errors.ts';
import { isRunId, type RunId } from '../../object-store/object-key.ts';
import { parseJsonObject } from '../../queue/parse-json.ts';
import { assertKnownVersion } from '../json-record.ts';
import { isSliceId, type SliceId } from './slices.ts';

/** Which rows of a table are new, by the xids that wrote them. Decimal digits of an xid8. */
export interface NewRows {
  /** The previous plan's base: rows of this xid and above are new. */
  since: string;
  /** Xids below `since` that were in progress at the previous plan. */
  inProgress: readonly string[];
  /**
   * Rows that name a row of a joined table which is not there are new as well: if that was deleted or has another key now, no xid
   * shows it.
   */
  unmatched?: true;
}

/** A ctid range of whole blocks. */
export interface BlockRange {
  from: number;
  /** Exclusive; absent in the last slice, which is open-ended. */
  to?: number;
}

/** What a census is to be judged against. */
export interface CensusOrder {
  /** The last census of the table that was not held; absent for its first. */
  previous?: { run: RunId; slice: SliceId };
  /** The lower bound of the keys that are left to read, see CensusRange; absent for all of them. */
  from?: readonly string[];
  /** The part of the previous census in which that bound lies; absent for its first one, and past the last. */
  part?: SliceId;
}

/** What is read by an index, ahead of the next look at the whole table. */
export interface IndexOrder {
  /** The source table's column by which the index leads. */
  column: string;
  /** The lowest value to read, as Postgres reads it. */
  from: string;
}

/**
 * One slice of one table: the body of a message on the extract queue.
 *
 * Version 2 has what a release that knows version 1 alone would leave out, and then miss a row or a census. What it leaves out
 * of version 1 makes it read more than it has to.
 */
export interface ExtractMessage {
  version: 1 | 2;
  run: RunId;
  slice: SliceId;
  table: string;
  generation: string;
  /** The identity of the server that was planned on, as one string. */
  identity: string;
  /** pg_snapshot_xmax of the plan: an extract's snapshot is not behind it. */
  plannedXmax: string;
  /** On a standby its replay LSN at the plan: an extract's is not behind it. Absent on a primary. */
  plannedLsn?: string;
  /** Absent for a full extract. */
  newRows?: NewRows;
  blocks?: BlockRange;
  /** Only these blocks are read; in the place of `blocks`. */
  pages?: readonly number[];
  /** The number of the model that was planned by; absent where an older version has planned. */
  model?: number;
  /** The slice is a census: its table's keys are read, and no rows. */
  census?: CensusOrder;
  /**
   * Only rows of these values are read, and of them those that are new by `newRows`, which is no base of the table: what is
   * missed here the next look finds.
   */
  index?: IndexOrder;
  /** Relation.fileNode at the plan; if it has changed, the bounds no longer hold and the extract drops them. */
  fileNode?: string;
}

/** The inverse of `parseExtractMessage`. */
export const formatExtractMessage = (message: ExtractMessage): string =>
  JSON.stringify({ ...message, version: versionOf(message) });

const versionOf = ({ census, newRows }: ExtractMessage): ExtractMessage['version'] =>
  census === undefined && newRows?.unmatched === undefined ? 1 : 2;

/**
 * @throws {TerminalError} the text is not an extract message
 * @throws {TransientError} a newer release has sent it
 */
export function parseExtractMessage(body: string): ExtractMessage {
  const record = parseJsonObject(body);
  try {
    assertFields(record);
  } catch (error) {
    // Operators look for failures by table, so name it if it is known.
    const { table } = record;
    if (error instanceof TerminalError && typeof table === 'string')
      throw new TerminalError(error.message, { table, cause: error.cause });
    throw error;
  }
  return record as unknown as ExtractMessage;
}

function assertFields(record: Record<string, unknown>): void {
  assertKnownVersion('an extract message', record, 2);
  if (record.version !== 1 && record.version !== 2)
    throw new TerminalError(`an extract message of unknown version ${JSON.stringify(record.version)}`);
  for (const name of ['run', 'slice', 'table', 'generation', 'identity', 'plannedXmax']) {
    if (typeof record[name] !== 'string') throw new TerminalError(`the extract message has no ${name}`);
  }
  if (!isRunId(String(record.run))) throw new TerminalError("the extract message's run is not a run id");
  if (!isSliceId(String(record.slice)))
    throw new TerminalError("the extract message's slice is not a slice id");
  if (!/^\d{1,19}$/.test(String(record.generation)))
    throw new TerminalError("the extract message's generation is not a number");
  assertXid('plannedXmax', record.plannedXmax);
  if (record.plannedLsn !== undefined) assertLsn(record.plannedLsn);
  if (record.model !== undefined && !(Number.isSafeInteger(record.model) && Number(record.model) > 0))
    throw new TerminalError("the extract message's model is not a number");
  if (record.newRows !== undefined) assertNewRows(record.newRows);
  if (record.blocks !== undefined) assertBlocks(record.blocks);
  if (record.pages !== undefined && !(Array.isArray(record.pages) && record.pages.every(Number.isInteger)))
    throw new TerminalError("the extract message's pages are not a list of numbers");
  if (record.census !== undefined) assertCensus(record.census);
  if (record.index !== undefined) assertIndex(record.index);
}

function assertXid(name: string, value: unknown): void {
  if (typeof value !== 'string' || !/^\d{1,20}$/.test(value)) {
    throw new TerminalError(`the extract message's ${name} is not an xid8`);
  }
}

function assertLsn(value: unknown): void {
  if (typeof value !== 'string' || !/^[\dA-F]{1,8}\/[\dA-F]{1,8}$/i.test(value)) {
    throw new TerminalError("the extract message's plannedLsn is not a pg_lsn");
  }
}

function assertNewRows(value: unknown): void {
  const { since, inProgress, unmatched } = (value ?? {}) as Partial<NewRows>;
  if (unmatched !== undefined && unmatched !== true)
    throw new TerminalError("the extract message's newRows.unmatched is neither true nor absent");
  assertXid('newRows.since', since);
  if (!Array.isArray(inProgress))
    throw new TerminalError("the extract message's newRows.inProgress is not a list");
  for (const xid of inProgress) assertXid('newRows.inProgress', xid);
}

function assertCensus(value: unknown): void {
  const { previous, from, part } = (value ?? {}) as Partial<CensusOrder>;
  if (from !== undefined && !(Array.isArray(from) && from.every((text) => typeof text === 'string')))
    throw new TerminalError("the extract message's lower bound of keys is not a list of texts");
  if (part !== undefined && !isSliceId(String(part)))
    throw new TerminalError("the extract message's part of the previous census is not a slice id");
  if (previous === undefined) return;
  if (!isRunId(String(previous.run)) || !isSliceId(String(previous.slice)))
    throw new TerminalError("the extract message's previous census is not a slice of a run");
}

function assertIndex(value: unknown): void {
  const { column, from } = (value ?? {}) as Partial<IndexOrder>;
  if (typeof column !== 'string' || typeof from !== 'string')
    throw new TerminalError("the extract message's index has no column or no lowest value");
}

function assertBlocks(value: unknown): void {
  const { from, to } = (value ?? {}) as Partial<BlockRange>;
  const isBlock = (block: unknown) => Number.isInteger(block) && (block as number) >= 0;
  if (!isBlock(from) || (to !== undefined && !isBlock(to))) {
    throw new TerminalError("the extract message's blocks are not a range");
  }
}
