import { TransientError } from '../../shared/errors.ts';
import { captureStateKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import {
  type CaptureState,
  firstGeneration,
  formatCaptureState,
  type ReadState,
  readCaptureState,
} from './capture-state.ts';

/** The source as a plan found it. */
export interface SourceNow {
  identity: string;
  /** pg_snapshot_xmax. */
  xmax: string;
}

/** Whether what the state knows of xids says nothing of this server's: another one, or the same after going back. */
export const needsNewGeneration = (state: CaptureState | undefined, { identity, xmax }: SourceNow): boolean =>
  state === undefined ||
  state.identity !== identity ||
  (state.captured !== undefined && BigInt(xmax) < BigInt(state.captured.base));

/**
 * Reads the state, and begins a new generation in it where the source is not the one that it knows.
 *
 * The generation is written before anything is planned under it: of two planners only one goes on, and extracts
 * that were planned on the other server learn from it that they are superseded.
 *
 * @throws {TransientError} another planner was faster
 * @throws {TerminalError} the state is corrupt
 */
export async function claimGeneration(
  ingested: ObjectStore,
  source: SourceNow,
  now: Date,
): Promise<ReadState> {
  const read = await readCaptureState(ingested);
  if (read !== undefined && !needsNewGeneration(read.state, source)) return read;
  return beginGeneration(ingested, read, source, now);
}

/**
 * Begins a generation after the one that was read: everything is extracted in full, under greater versions.
 *
 * @throws {TransientError} another planner was faster
 */
export async function beginGeneration(
  ingested: ObjectStore,
  read: ReadState | undefined,
  source: Pick<SourceNow, 'identity'>,
  now: Date,
): Promise<ReadState> {
  const generation = read ? String(BigInt(read.state.generation) + 1n) : firstGeneration(now);
  const plannedAt = read?.state.plannedAt;
  const state: CaptureState = {
    ...{ version: 2, generation, identity: source.identity, tables: {} },
    ...(plannedAt !== undefined && { plannedAt }),
  };
  const isOurs = await ingested.replace(captureStateKey, formatCaptureState(state), read?.etag);
  const written = isOurs ? await readCaptureState(ingested) : undefined;
  if (written?.state.generation !== generation || written.state.identity !== source.identity) {
    throw new TransientError('another plan has begun a new generation', { key: captureStateKey });
  }
  return written;
}
