import { TransientError } from '../../shared/errors.ts';
import { captureStateKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { readLoaded } from '../../shared/records/loaded.ts';
import { type CaptureState, formatCaptureState, type ReadState, readCaptureState } from './capture-state.ts';

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

export interface GenerationOptions {
  now: Date;
  /**
   * Begins a new one in any case: all of the source is extracted in full, and counts as newer than what is loaded. Without
   * it a source in which nothing happens would give equal versions, which a load ignores.
   */
  isResync?: boolean;
}

/**
 * A generation that is above all before it: what is captured under a lower one is older to the warehouse, which ignores it.
 * The state alone does not tell: it may be lost, or restored from a backup older than what is loaded. Nor does the clock
 * alone, which may have been ahead.
 *
 * @param known.previous the state's; decimal digits
 * @param known.loaded the greatest that the ledger had when it was looked at last
 */
export function nextGeneration(known: {
  previous?: string | undefined;
  loaded?: string | undefined;
  now: Date;
}): string {
  const above = [known.previous, known.loaded].flatMap((each) =>
    each === undefined ? [] : [BigInt(each) + 1n],
  );
  const unixSeconds = BigInt(Math.floor(known.now.getTime() / 1000));
  return String([unixSeconds, ...above].reduce((greatest, each) => (each > greatest ? each : greatest)));
}

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
  { now, isResync = false }: GenerationOptions,
): Promise<ReadState> {
  const read = await readCaptureState(ingested);
  if (read !== undefined && !isResync && !needsNewGeneration(read.state, source)) return read;
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
  const generation = nextGeneration({
    previous: read?.state.generation,
    loaded: (await readLoaded(ingested))?.loaded.generation,
    now,
  });
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
