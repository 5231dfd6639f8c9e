import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import type { CaptureState, ReadState } from '../../../shared/records/capture-state.ts';
import type { StarSchema } from '../../../shared/star-schema/assemble.ts';
import type { Statements } from '../source/statements.ts';
import type { AssessedTable } from '../source/tables.ts';
import { beginGeneration } from './generation.ts';
import { fingerprintOf, needsNewerVersion } from './table-fingerprint.ts';

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
  identity: string,
  tables: readonly AssessedTable[],
  read: ReadState,
  { ingested, model, now }: { ingested: ObjectStore; model: StarSchema; now: () => Date },
): Promise<ReadState> {
  if (!needsNewerVersions(tables, read.state, model) || (await useUpXid(source))) return read;
  return beginGeneration(ingested, read, { identity }, now());
}

const needsNewerVersions = (
  tables: readonly AssessedTable[],
  state: CaptureState,
  model: StarSchema,
): boolean =>
  state.captured !== undefined &&
  tables.some(
    (assessed) =>
      !('problem' in assessed) &&
      needsNewerVersion(state.tables[assessed.table.name], fingerprintOf(assessed, model)),
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
