import type pg from 'pg';
import { toPipelineError } from '../../shared/classify-error.ts';
import { TerminalError, TransientError } from '../../shared/errors.ts';
import type { ObjectVersion } from '../../shared/object-store/object-version.ts';
import { copyOut } from '../../shared/postgres/copy-out.ts';
import type { BlockRange, ExtractMessage } from '../../shared/queue/extract-message.ts';
import type { SourceTable } from '../../shared/star-schema/assemble.ts';
import { halveBlockRange } from './block-ranges.ts';
import { makeCompressedRows, ObjectTooLarge } from './compressed-rows.ts';
import { isAtOrAfterPlan, makeVersion } from './extract-snapshot.ts';
import { isWithinReach } from './new-rows-reach.ts';
import { readIdentity, type SourceRestart } from './source-identity.ts';
import { assessUsableTable, namesOf, type UsableTable } from './source-tables.ts';
import { beginExtract } from './sql/begin-extract.ts';
import { copyRows, type RowsToCopy } from './sql/copy-rows.ts';
import { selectSize } from './sql/select-size.ts';
import { selectSnapshot } from './sql/select-snapshot.ts';
import { selectWalPosition } from './sql/select-wal-position.ts';
import { waitUntilFlushed } from './wait-until-flushed.ts';

export interface ReadOptions {
  /** Holds the source tables. */
  schema: string;
  restart: SourceRestart;
  /** What an object may have, compressed. */
  maxObjectBytes: number;
  /** What a slice may have as COPY sends it. */
  maxCopyBytes: number;
  /** What either may have where the slice is one block and cannot be cut. */
  maxUncutBytes: number;
}

export type SliceContent =
  | { kind: 'rows'; bytes: Uint8Array; rows: number; version: ObjectVersion }
  /** Nothing was kept: the slice is to be extracted in these halves of it. */
  | { kind: 'too large'; halves: [BlockRange, BlockRange]; fileNode: string }
  /** The server is not the one that was planned on. */
  | { kind: 'other source' };

const limits = { statementTimeoutMs: 240_000, lockTimeoutMs: 10_000 };

/**
 * Reads one slice in one snapshot that is not behind its plan's, and returns when no crash of the source can take
 * back what it read.
 *
 * @throws {ObjectTooLarge} one block holds more than an object may
 * @throws {TransientError} a lagging replica; the log is not flushed in time
 * @throws {TerminalError} the table cannot be read as the model has it
 */
export async function readSlice(
  client: pg.Client,
  message: ExtractMessage,
  table: SourceTable,
  options: ReadOptions,
): Promise<SliceContent> {
  // Before the snapshot: on a standby, whatever had been replayed by now is in it.
  const { replayLsn } = await selectWalPosition(client);
  try {
    return await readInSnapshot(client, message, table, { ...options, replayLsn });
  } catch (error) {
    // Else the table stays locked until the connection is gone. One that is lost has no transaction any more.
    await client.query('rollback').catch(() => {});
    throw error;
  }
}

async function readInSnapshot(
  client: pg.Client,
  message: ExtractMessage,
  table: SourceTable,
  { replayLsn, ...options }: ReadOptions & { replayLsn: string | null },
): Promise<SliceContent> {
  await begin(client, table, options.schema);
  const snapshot = await selectSnapshot(client);
  const { insertLsn } = await selectWalPosition(client);
  // After the snapshot, so that a promotion in between shows here.
  if ((await readIdentity(client, options.restart)) !== message.identity) {
    await client.query('rollback');
    return { kind: 'other source' };
  }
  if (!isAtOrAfterPlan(snapshot, replayLsn, message)) {
    throw new TransientError('the source is behind the plan: a replica that lags', { table: table.name });
  }
  const usable = await assessUsableTable(client, options.schema, table);
  const content = await copySlice(client, message, usable, snapshot.xmax, options);
  if (content.kind === 'too large') return content;
  await client.query('commit');
  if (insertLsn !== null) await waitUntilFlushed(client, insertLsn);
  return { ...content, version: makeVersion(message.generation, snapshot, replayLsn) };
}

async function begin(client: pg.Client, table: SourceTable, schema: string): Promise<void> {
  try {
    await beginExtract(client, schema, namesOf(table), limits);
  } catch (error) {
    if (!(toPipelineError(error) instanceof TerminalError)) throw error;
    // What is wrong with the table says more than why it could not be locked.
    await client.query('rollback');
    await assessUsableTable(client, schema, table);
    throw error;
  }
}

async function copySlice(
  client: pg.Client,
  message: ExtractMessage,
  usable: UsableTable,
  xmax: string,
  options: ReadOptions,
): Promise<{ kind: 'rows'; bytes: Uint8Array; rows: number } | (SliceContent & { kind: 'too large' })> {
  const { relation, table } = usable;
  const rows = chooseRows(message, relation.fileNode, xmax, options.schema);
  const size = await selectSize(
    client,
    relation.members.map(({ oid }) => oid),
  );
  const halves = halveBlockRange(rows.blocks, size.blocks);
  const { maxUncutBytes, maxObjectBytes, maxCopyBytes } = options;
  const content =
    halves === undefined
      ? makeCompressedRows(usable.columns, maxUncutBytes, maxUncutBytes)
      : makeCompressedRows(usable.columns, maxObjectBytes, maxCopyBytes);
  try {
    await copyOut(client, copyRows(table, rows), content.push);
    return { kind: 'rows', ...(await content.finish()) };
  } catch (error) {
    content.discard();
    if (!(error instanceof ObjectTooLarge) || halves === undefined) throw error;
    return { kind: 'too large', halves, fileNode: relation.fileNode };
  }
}

/**
 * Bounds count in the file that was planned on: in another one (CLUSTER, VACUUM FULL) a row may have moved from
 * one slice to another between their extracts, so each takes all.
 */
export function chooseRows(
  { newRows, blocks, fileNode }: Pick<ExtractMessage, 'newRows' | 'blocks' | 'fileNode'>,
  fileNodeNow: string,
  xmax: string,
  schema: string,
): RowsToCopy {
  return {
    schema,
    ...(newRows && isWithinReach(newRows, xmax) && { newRows }),
    ...(blocks && fileNode === fileNodeNow && { blocks }),
  };
}
