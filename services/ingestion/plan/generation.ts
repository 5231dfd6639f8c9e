import { TransientError } from '../../../shared/errors.ts';
import type { Model } from '../../../shared/model/model.ts';
import { captureStateKey } from '../../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import { readLoaded } from '../../../shared/records/loaded.ts';
import {
  type CaptureState,
  formatCaptureState,
  knownOf,
  type ReadState,
  readCaptureState,
} from '../../../shared/records/plan/capture-state.ts';
import type { Statements } from '../source/statements.ts';
import type { AssessedTable } from '../source/tables.ts';
import { fingerprintOf, needsNewerVersion } from './table-fingerprint.ts';

/** The source as a plan found it. */
export interface SourceNow {
  identity: string;
  /** pg_snapshot_xmax. */
  xmax: string;
}

export interface GenerationOptions {
  now: Date;
  /**
   * Always begins a new generation: the whole source is extracted, and counts as newer than what is loaded.
   * Without that, an idle source would give equal versions, which a load ignores.
   */
  isResync?: boolean;
  /** Tells which key masks columns; undefined where none is masked. Another one begins a new generation. */
  maskKey?: string | undefined;
}

/**
 * Reads the state, and begins a new generation if the source is not the one in the state, or the state is older than what is
 * loaded.
 *
 * The generation is written before anything is planned under it. So of two planners only one continues, and extracts
 * that were planned on the other server learn that they are superseded.
 *
 * @throws {TransientError} another planner was faster
 * @throws {TerminalError} the state is corrupt
 */
export async function claimGeneration(
  ingested: ObjectStore,
  source: SourceNow,
  { now, isResync = false, maskKey }: GenerationOptions,
): Promise<ReadState> {
  const [read, loaded] = await Promise.all([readCaptureState(ingested), readLoaded(ingested)]);
  const isUsable =
    read !== undefined &&
    !isResync &&
    !isMaskedOtherwise(read.state, maskKey) &&
    !needsNewGeneration(read.state, source) &&
    !isBehind(read.state, loaded?.loaded.generation);
  if (isUsable) return read;
  return beginGeneration(ingested, read, source, { now, maskKey });
}

/** Values that were masked by another key are other values. */
const isMaskedOtherwise = (state: CaptureState, maskKey: string | undefined): boolean =>
  maskKey !== undefined && state.maskKey !== undefined && state.maskKey !== maskKey;

/** Whether the xids in the state are not this server's: it is another one, or the same one went back in time. */
export const needsNewGeneration = (state: CaptureState | undefined, { identity, xmax }: SourceNow): boolean =>
  state === undefined ||
  state.identity !== identity ||
  (state.captured !== undefined && BigInt(xmax) < BigInt(state.captured.base));

/** Whether more has been loaded than the state knows of, as where it was restored from a backup: its rows would be ignored. */
const isBehind = ({ generation }: CaptureState, loaded: string | undefined): boolean =>
  loaded !== undefined && BigInt(loaded) > BigInt(generation);

/**
 * Begins a generation after the one that was read: everything is extracted in full, under greater versions.
 *
 * @throws {TransientError} another planner was faster
 */
async function beginGeneration(
  ingested: ObjectStore,
  read: ReadState | undefined,
  source: Pick<SourceNow, 'identity'>,
  { now, maskKey }: Pick<GenerationOptions, 'now' | 'maskKey'>,
): Promise<ReadState> {
  const generation = nextGeneration({
    previous: read?.state.generation,
    loaded: (await readLoaded(ingested))?.loaded.generation,
    now,
  });
  const { plannedAt, layouts, lastRun, reads, censuses = {} } = read?.state ?? {};
  const state: CaptureState = {
    version: 3,
    generation,
    identity: source.identity,
    tables: {},
    // Objects of earlier generations are still read by them.
    ...(layouts !== undefined && { layouts }),
    ...(lastRun !== undefined && { lastRun }),
    ...(reads !== undefined && { reads }),
    // One that is under way was planned on the other server, and may be superseded.
    censuses: Object.fromEntries(
      Object.entries(censuses).map(([table, { sent, ...known }]) => [
        table,
        { ...known, ...(sent !== undefined && known.last === undefined && { before: sent.run }) },
      ]),
    ),
    ...(plannedAt !== undefined && { plannedAt }),
    ...(maskKey !== undefined && { maskKey }),
  };
  const isOurs = await ingested.replace(captureStateKey, formatCaptureState(state), read?.etag);
  const written = isOurs ? await readCaptureState(ingested) : undefined;
  if (written?.state.generation !== generation || written.state.identity !== source.identity) {
    throw new TransientError('another plan has begun a new generation', { key: captureStateKey });
  }
  return written;
}

/**
 * Chooses a generation above all earlier ones: the warehouse regards what is captured under a lower one as older, and
 * ignores it. The state alone is not enough: it may be lost, or restored from a backup older than what is loaded. Nor
 * is the clock, which may have been ahead.
 *
 * @param known.previous the state's; decimal digits
 * @param known.loaded the greatest in the ledger when it was last read
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

/** What a plan is about to read. */
export interface ReadTables {
  /** The source's. */
  identity: string;
  tables: readonly AssessedTable[];
  /** Names of tables that were requested in full. */
  resynced: ReadonlySet<string>;
}

/**
 * Makes sure that full extracts get greater versions than the extracts before them. On an idle source a full extract
 * otherwise has the version of the extract before it, and the load ignores rows of an equal version.
 *
 * Call it before the snapshot that the extracts are bound to.
 *
 * @param read the state, of a generation that this plan has claimed
 * @returns the state to go on with
 * @throws {TransientError} another planner was faster
 */
export async function ensureNewerVersions(
  source: Statements,
  { identity, tables, resynced }: ReadTables,
  read: ReadState,
  { ingested, model, now }: { ingested: ObjectStore; model: Model; now: () => Date },
): Promise<ReadState> {
  const needsNewer = resynced.size > 0 || needsNewerVersions(tables, read.state, model);
  if (!needsNewer || (await useUpXid(source))) return read;
  return beginGeneration(ingested, read, { identity }, { now: now(), maskKey: read.state.maskKey });
}

const needsNewerVersions = (tables: readonly AssessedTable[], state: CaptureState, model: Model): boolean =>
  state.captured !== undefined &&
  tables.some(
    (assessed) =>
      !('problem' in assessed) &&
      needsNewerVersion(knownOf(state, assessed.table.name), fingerprintOf(assessed, model)),
  );

/**
 * Uses up an xid, in a transaction of its own: later snapshots have a greater xmax. A transaction with an xid and
 * without a write needs no right, and is allowed where transactions are read-only.
 *
 * @returns false on a standby, which assigns no xids: there only a new generation makes versions greater
 */
async function useUpXid(source: Statements): Promise<boolean> {
  const { rows } = await source.query<{ xid: string | null }>(`
    select case when not pg_is_in_recovery() then pg_current_xact_id()::text end as xid`);
  return (rows[0]?.xid ?? null) !== null;
}
