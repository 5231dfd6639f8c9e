import type pg from 'pg';
import type { CensusLimits } from '../../../shared/census/size.ts';
import { toPipelineError } from '../../../shared/classify-error.ts';
import { RefusedError, restate, TerminalError, TransientError } from '../../../shared/errors.ts';
import type { SourceName } from '../../../shared/model/define.ts';
import type { SourceTable } from '../../../shared/model/model.ts';
import { quoteSource } from '../../../shared/model/source-name.ts';
import type { ObjectVersion } from '../../../shared/object-store/object-metadata.ts';
import { copyOut } from '../../../shared/postgres/copy-out.ts';
import { quoteIdentifier } from '../../../shared/postgres/identifier.ts';
import { describeLock, findLockHolder } from '../../../shared/postgres/lock-holder.ts';
import { isCanceled } from '../../../shared/postgres/server-error.ts';
import { liftTransactionTimeout } from '../../../shared/postgres/transaction.ts';
import type { ExtractMessage } from '../../../shared/records/plan/extract-message.ts';
import type { Layout } from '../../../shared/records/plan/layout.ts';
import { waitUntilDurable } from '../source/flush.ts';
import { readSourceIdentity, type SourceRestart } from '../source/identity.ts';
import { findIndexPath, withoutSequentialScan } from '../source/index-path.ts';
import { layoutOf } from '../source/layout.ts';
import { type Aurora, askLog } from '../source/log.ts';
import { hasMasked, type Mask, setMask } from '../source/mask.ts';
import { isWithinReach } from '../source/new-rows.ts';
import { selectSize } from '../source/relations.ts';
import {
  isAtOrAfterPlan,
  makeVersion,
  type SourceSnapshot,
  selectSnapshot,
  selectWalPosition,
} from '../source/snapshot.ts';
import { assessUsableTable, lockableTablesOf, relationNamesOf, type UsableTable } from '../source/tables.ts';
import { extractSessionSettings } from '../transcode/columns.ts';
import { makeCompressedRows, ObjectTooLarge } from './compressed-rows.ts';
import { chooseRows, copyRows, halveBlockRange, halvePages, isPages } from './copy-rows.ts';

export interface ReadOptions {
  /** Holds the source tables. */
  schema: string;
  restart: SourceRestart;
  /** The key for masked columns; undefined where the model has none. */
  mask?: Mask | undefined;
  /** Above this, compressed, a slice is cut in two: 8 MiB. */
  maxObjectBytes?: number;
  /** Above this, as COPY sends it, a slice is cut in two: 64 MiB. A transform takes several times as much memory. */
  maxCopyBytes?: number;
  /**
   * A slice of one block cannot be cut; above this, compressed or as COPY sends it, it fails: 96 MiB. With twice that,
   * one row would take a transform more memory than its function has.
   */
  maxUncutBytes?: number;
  /** Of one object of a census; the usual ones where they are left out. */
  censusLimits?: CensusLimits;
}

/** What a half of a slice reads. */
export type SlicePart = Pick<ExtractMessage, 'blocks' | 'pages'>;

export type SliceContent =
  | {
      kind: 'rows';
      bytes: Uint8Array;
      rows: number;
      version: ObjectVersion;
      layout: Layout;
      /** ISO 8601. */
      readAt: string;
    }
  /** Nothing was kept: the slice must be extracted as these halves. */
  | { kind: 'too large'; halves: [SlicePart, SlicePart]; fileNode: string }
  /** Nothing was kept: it was to be read by an index, which is gone or finds too much. */
  | { kind: 'skipped' }
  | OtherSource;

/**
 * Reads one slice in one snapshot that is not behind its plan's, and returns once no crash of the source can undo what
 * it read.
 *
 * @throws {ObjectTooLarge} one block holds more than an object may
 * @throws {TransientError} a lagging replica; the log is not flushed in time
 * @throws {TerminalError} the table cannot be read as the model has it
 */
export const readSlice = (
  client: pg.Client,
  message: ExtractMessage,
  table: SourceTable,
  options: ReadOptions,
): Promise<SliceContent> =>
  readAtOnce(client, message, table, options, async ({ usable, snapshot, layout, replayLsn }) => {
    const content = await copySlice(client, message, usable, snapshot.xmax, options);
    if (content.kind !== 'rows') return content;
    const version = makeVersion(message.generation, snapshot, replayLsn);
    return { ...content, version, layout, readAt: snapshot.takenAt };
  });

/** What is known once the snapshot is taken. */
export interface Reading {
  usable: UsableTable;
  snapshot: SourceSnapshot;
  /** On a standby, read before the snapshot. */
  replayLsn: string | null;
  layout: Layout;
}

/** The server is not the one that was planned on. */
export type OtherSource = { kind: 'other source' };

/**
 * Reads in one snapshot that is not behind the plan's, and returns once no crash of the source can undo what was read. The
 * rows of the table are locked against nothing but a change of its definition.
 *
 * @throws {TransientError} a lagging replica; the log is not flushed in time
 * @throws {TerminalError} the table cannot be read as the model has it
 */
export async function readAtOnce<Content extends { kind: string }>(
  client: pg.Client,
  message: ExtractMessage,
  table: SourceTable,
  options: Pick<ReadOptions, 'schema' | 'restart' | 'mask'>,
  read: (reading: Reading) => Promise<Content>,
): Promise<Content | OtherSource> {
  // Before the snapshot: on a standby, the snapshot then includes everything replayed so far.
  const { aurora, replayLsn } = await askLog(client);
  try {
    return await readInSnapshot(client, message, table, options, { read, replayLsn, aurora });
  } catch (error) {
    // Otherwise the table stays locked until the connection ends. A lost connection has no transaction to roll back.
    await client.query('rollback').catch(() => {});
    throw error;
  }
}

async function readInSnapshot<Content extends { kind: string }>(
  client: pg.Client,
  message: ExtractMessage,
  table: SourceTable,
  options: Pick<ReadOptions, 'schema' | 'restart' | 'mask'>,
  {
    read,
    replayLsn,
    aurora,
  }: {
    read: (reading: Reading) => Promise<Content>;
    replayLsn: string | null;
    aurora: Aurora | undefined;
  },
): Promise<Content | OtherSource> {
  await begin(client, table, options.schema);
  const snapshot = await selectSnapshot(client);
  const position = await selectWalPosition(client, aurora);
  // After the snapshot, so that a promotion in between shows here.
  const { identity, database } = await readSourceIdentity(client, options.restart, aurora);
  if (identity !== message.identity) {
    await client.query('rollback');
    return { kind: 'other source' };
  }
  if (!isAtOrAfterPlan(snapshot, replayLsn, message)) {
    throw new TransientError('the source is behind the plan: a replica that lags', { table: table.name });
  }
  const usable = await assessUsableTable(client, options.schema, table);
  if (options.mask !== undefined && hasMasked(table)) await setMask(client, options.mask);
  const layout = layoutOf(usable, database, options.mask);
  const content = await read({ usable, snapshot, replayLsn, layout });
  // Nothing of it is kept, and its COPY was broken off.
  if (content.kind === 'too large' || content.kind === 'skipped') return content;
  await client.query('commit');
  await waitUntilDurable(client, position, aurora);
  return content;
}

async function begin(client: pg.Client, table: SourceTable, schema: string): Promise<void> {
  try {
    await beginExtract(client, schema, relationNamesOf(table));
  } catch (thrown) {
    const error = toPipelineError(thrown);
    if (error instanceof RefusedError && error.by === 'lock') {
      await client.query('rollback');
      const holder = await findLockHolder(client, lockableTablesOf(table, schema), 'AccessExclusiveLock');
      throw holder === undefined ? error : restate(error, { message: describeLock(holder) });
    }
    if (!(error instanceof TerminalError)) throw error;
    // What is wrong with the table says more than why it could not be locked.
    await client.query('rollback');
    await assessUsableTable(client, schema, table);
    throw error;
  }
}

const statementTimeoutMs = 240_000;
/** A message that waits for a lock must not keep others from being extracted. */
const lockTimeoutMs = 1000;

/**
 * Opens the extract's transaction and locks its tables, before the first query takes the snapshot: a table that
 * an ALTER rewrites in between would show no rows at all.
 *
 * With row_security off Postgres refuses a table whose policies would hide rows, instead of leaving them out. To compile a
 * query takes longer than a slice does.
 */
export async function beginExtract(
  client: pg.ClientBase,
  schema: string,
  tables: readonly SourceName[],
): Promise<void> {
  const settings = {
    ...extractSessionSettings,
    row_security: 'off',
    jit: 'off',
    statement_timeout: String(statementTimeoutMs),
    lock_timeout: String(lockTimeoutMs),
    idle_in_transaction_session_timeout: String(statementTimeoutMs),
  };
  const setLocals = Object.entries(settings).map(
    ([name, value]) => `set local ${quoteIdentifier(name)} = '${value}';`,
  );
  await client.query(`
    begin isolation level repeatable read, read only;
    ${setLocals.join('\n    ')}
    lock table ${tables.map((table) => quoteSource(table, schema)).join(', ')} in access share mode;
    ${liftTransactionTimeout}`);
}

async function copySlice(
  client: pg.Client,
  message: ExtractMessage,
  { table, relation, columns }: UsableTable,
  xmax: string,
  {
    schema,
    maxObjectBytes = 8 * 2 ** 20,
    maxCopyBytes = 64 * 2 ** 20,
    maxUncutBytes = 96 * 2 ** 20,
  }: ReadOptions,
): Promise<
  { kind: 'rows'; bytes: Uint8Array; rows: number } | (SliceContent & { kind: 'too large' | 'skipped' })
> {
  const { index } = message;
  if (index !== undefined) {
    const isLed = findIndexPath({ changed: index.column }, relation) !== undefined;
    if (!isLed || message.newRows === undefined || !isWithinReach(message.newRows, xmax)) {
      await client.query('rollback');
      return { kind: 'skipped' };
    }
    await client.query(withoutSequentialScan);
  }
  const rows = chooseRows(message, relation.fileNode, xmax, schema);
  const size = await selectSize(
    client,
    relation.members.map(({ oid }) => oid),
  );
  const halves =
    rows.pages === undefined ? halveBlockRange(rows.blocks, size.blocks) : halvePages(rows.pages);
  const content =
    halves === undefined && index === undefined
      ? makeCompressedRows(columns, maxUncutBytes, maxUncutBytes)
      : makeCompressedRows(columns, maxObjectBytes, maxCopyBytes);
  try {
    await copyOut(client, copyRows(table, { ...rows, columns }), content.push);
    return { kind: 'rows', ...(await content.finish()) };
  } catch (error) {
    content.discard();
    if (index !== undefined && (error instanceof ObjectTooLarge || isCanceled(error)))
      return { kind: 'skipped' };
    if (!(error instanceof ObjectTooLarge) || halves === undefined) throw error;
    const parts = halves.map((half): SlicePart => (isPages(half) ? { pages: half } : { blocks: half }));
    return { kind: 'too large', halves: parts as [SlicePart, SlicePart], fileNode: relation.fileNode };
  }
}
