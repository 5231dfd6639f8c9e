import { toPipelineError } from '../../shared/classify-error.ts';
import { TerminalError, TransientError } from '../../shared/errors.ts';
import { formatObjectKey } from '../../shared/object-store/object-key.ts';
import { formatIngestedMetadata } from '../../shared/object-store/object-metadata.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import type { Database } from '../../shared/postgres/database.ts';
import type { ExtractMessage } from '../../shared/queue/extract-message.ts';
import { releaseMemory } from '../../shared/release-memory.ts';
import type { StarSchema } from '../../shared/star-schema/assemble.ts';
import { readCaptureState } from './capture-state.ts';
import { ObjectTooLarge } from './compressed-rows.ts';
import { type ReadOptions, readSlice, type SliceContent } from './read-slice.ts';
import type { SourceRestart } from './source-identity.ts';

export interface ExtractDeps {
  database: Pick<Database, 'withClient'>;
  ingested: ObjectStore;
  /** Puts the halves of a slice on the extract queue. */
  send: (messages: readonly ExtractMessage[]) => Promise<void>;
  model: StarSchema;
  /** Holds the source tables. */
  schema: string;
  restart: SourceRestart;
  /** Above this, compressed, a slice is cut in two: 8 MiB. */
  maxObjectBytes?: number;
  /** Above this, as COPY sends it, a slice is cut in two: 64 MiB. A transform takes several times as much memory. */
  maxCopyBytes?: number;
  /**
   * A slice of one block cannot be cut; above this, either way, it fails: 96 MiB. With twice that, one row would take a
   * transform more memory than its function has.
   */
  maxUncutBytes?: number;
}

export interface ExtractOutcome {
  /**
   * - `ingested`: the object is there now
   * - `already ingested`: it was there before
   * - `superseded`: the source has got a new identity, and was planned anew
   * - `split`: nothing was put; the halves of the slice are on the queue
   */
  outcome: 'ingested' | 'already ingested' | 'superseded' | 'split';
  /** Rows read. */
  rows: number;
}

/**
 * Extracts one slice of one table into one object of the ingested zone, in one atomic put.
 *
 * Doing it again is harmless at any time: the object that is there stays, and one that is made later has the
 * version of its own, later snapshot.
 *
 * @throws {TransientError} the source or S3 cannot be reached, the table is locked, the server is not the one that
 * was planned on or lags behind it
 * @throws {TerminalError} the table cannot be read as the model has it, or one block of it is above the limit
 */
export async function extractSlice(message: ExtractMessage, deps: ExtractDeps): Promise<ExtractOutcome> {
  try {
    return await extract(message, deps);
  } catch (error) {
    throw toPipelineError(describeTooLarge(error, message), { table: message.table });
  }
}

async function extract(message: ExtractMessage, deps: ExtractDeps): Promise<ExtractOutcome> {
  const table = deps.model.source(message.table);
  const content = await deps.database.withClient((client) =>
    readSlice(client, message, table, optionsOf(deps)),
  );
  if (content.kind === 'other source') return supersede(message, deps);
  if (content.kind === 'too large') return split(message, content, deps);
  const { run, slice } = message;
  const key = formatObjectKey({ zone: 'ingested', table: table.name, run, slice });
  const put = await deps.ingested.create(key, content.bytes, formatIngestedMetadata(content));
  if (put === 'created') releaseMemory(content.bytes);
  return { outcome: put === 'created' ? 'ingested' : 'already ingested', rows: content.rows };
}

const optionsOf = ({
  schema,
  restart,
  maxObjectBytes = 8 * 2 ** 20,
  maxCopyBytes = 64 * 2 ** 20,
  maxUncutBytes = 96 * 2 ** 20,
}: ExtractDeps): ReadOptions => ({ schema, restart, maxObjectBytes, maxCopyBytes, maxUncutBytes });

/** A newer generation has planned everything anew. Without one, either the next plan will, or we were sent astray. */
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
  await send(
    halves.map((blocks, half) => ({ ...message, slice: `${message.slice}.${half}`, blocks, fileNode })),
  );
  return { outcome: 'split', rows: 0 };
}

function describeTooLarge(error: unknown, { table }: ExtractMessage): unknown {
  if (!(error instanceof ObjectTooLarge)) return error;
  return new TerminalError(
    `one block of ${table} holds ${error.message}. Shorten its texts in the source, or leave their column out of the model`,
    { table, cause: error },
  );
}
