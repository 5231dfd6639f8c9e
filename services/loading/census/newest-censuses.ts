import type pg from 'pg';
import {
  type CensusRange,
  coverAll,
  formatBound,
  inRange,
  isSameBound,
  parseRange,
  type StoredRange,
  warehouseRangeColumns,
} from '../../../shared/census/range.ts';
import { censusTable, ledgerTable } from '../../../shared/ledger/schema/ledger-schema.ts';
import type { Dimension, Fact } from '../../../shared/model/model.ts';
import type { CensusMetadata } from '../../../shared/object-store/object-metadata.ts';
import type { ProcessedObject } from '../load/read-processed.ts';
import { versionColumns, versionParameters, versionValues } from './late-rows.ts';

// Which of a table's censuses decides for a key: the newest applied one in whose range it lies. A census has parts where the
// table is large, each with a version of its own; their bounds may be others than those of the census before.

export interface AppliedCensus {
  /**
   * - `applied`: the rows are marked by it
   * - `covered`: a newer census was applied before, and decides
   * - `held`: too many keys are gone, and an operator has to decide; it neither marks nor covers
   * - `dismissed`: an operator has decided that it is to be forgotten
   * - `unmarked`: the table has no column for marks, and its owner has to add it
   * - `kept`: the model keeps the table's rows as they are
   */
  state: 'applied' | 'covered' | 'held' | 'dismissed' | 'unmarked' | 'kept';
  /** Of a held one, why: a clause. */
  reason?: string;
  /** Rows that were marked or removed, and rows whose mark was cleared. */
  marked: number;
  cleared: number;
}

export const rangeOf = ({ from, to }: Partial<CensusMetadata> = {}): CensusRange => ({
  ...(from !== undefined && { from }),
  ...(to !== undefined && { to }),
});

export const isSameRange = (a: CensusRange, b: CensusRange): boolean =>
  isSameBound(a.from, b.from) && isSameBound(a.to, b.to);

/** The ranges of the applied censuses that are newer than this one. */
export async function selectNewer(
  client: pg.ClientBase,
  { table, metadata }: ProcessedObject,
): Promise<CensusRange[]> {
  const { rows } = await client.query<StoredRange>(
    `select c.lower_bound, c.upper_bound from ${censusTable} c join ${ledgerTable} o using (object_id)
      where c.warehouse_table = $1 and c.state = 'applied' and ${versionColumns('o')} > ${versionParameters(2)}`,
    [table.name, ...versionValues(metadata.version)],
  );
  return rows.map(parseRange);
}

/** Whether newer ones decide for every key of the range. Where that is not seen, it is applied to the keys that are left. */
export const isCovered = (range: CensusRange, newer: readonly CensusRange[]): boolean =>
  newer.some((each) => isSameRange(each, range) || isSameRange(each, {})) || coverAll(newer);

/** @returns SQL for a row: its key is in the range, and no newer census decides for it */
export function decides(
  table: Dimension | Fact,
  range: CensusRange,
  newer: readonly CensusRange[],
): (row: string) => string {
  const isWhole = isSameRange(range, {});
  if (isWhole && newer.length === 0) return () => 'true';
  return (row) => {
    const columns = warehouseRangeColumns(table, row);
    return [inRange(columns, range), ...newer.map((each) => `not ${inRange(columns, each)}`)].join(' and ');
  };
}

/**
 * Keeps of each table the newest censuses that were applied, and those that are newer and were not: no other decides anything.
 * The ledger has all of them.
 */
export async function noteCensus(
  client: pg.ClientBase,
  { table, metadata }: ProcessedObject,
  objectId: string,
  { state, marked, cleared, reason }: AppliedCensus,
): Promise<void> {
  if (state === 'covered' || state === 'kept') {
    await client.query(`delete from ${censusTable} where object_id = $1`, [objectId]);
    return;
  }
  const range = rangeOf(metadata.census);
  const [lower, upper] = [formatBound(range.from), formatBound(range.to)];
  await client.query(
    `insert into ${censusTable}
       (object_id, warehouse_table, keys, state, marked, cleared, reason, lower_bound, upper_bound)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (object_id) do update
       set state = excluded.state, reason = excluded.reason, marked = excluded.marked, cleared = excluded.cleared,
           applied_at = clock_timestamp(), due_since = null`,
    [objectId, table.name, metadata.rows, state, marked, cleared, reason ?? null, lower, upper],
  );
  if (state !== 'applied') return;
  const version = versionValues(metadata.version);
  await client.query(
    `delete from ${censusTable} c using ${ledgerTable} o
      where o.object_id = c.object_id and c.warehouse_table = $1 and c.object_id <> $6
        and ${versionColumns('o')} <= ${versionParameters(2)}
        and (c.lower_bound, c.upper_bound) is not distinct from ($7::text, $8::text)`,
    [table.name, ...version, objectId, lower, upper],
  );
  await forgetCovered(client, table.name);
}

/**
 * The parts of one run that cover all keys make up for all that is older than the oldest of them. Of two such runs the later
 * one leaves nothing of the earlier, which then makes up for nothing more.
 */
async function forgetCovered(client: pg.ClientBase, table: string): Promise<void> {
  const { rows } = await client.query<StoredRange & { run: string }>(
    `select o.run, c.lower_bound, c.upper_bound from ${censusTable} c join ${ledgerTable} o using (object_id)
      where c.warehouse_table = $1 and c.state = 'applied'`,
    [table],
  );
  const runs = [...new Set(rows.map(({ run }) => run))];
  for (const run of runs) {
    if (!coverAll(rows.filter((row) => row.run === run).map(parseRange))) continue;
    await client.query(
      `delete from ${censusTable} c using ${ledgerTable} o
        where o.object_id = c.object_id and c.warehouse_table = $1 and o.run <> $2
          and ${versionColumns('o')} <= (
            select p.generation, p.snapshot_xmax, p.snapshot_xmin, p.tie
              from ${censusTable} d join ${ledgerTable} p using (object_id)
             where d.warehouse_table = $1 and p.run = $2
             order by ${versionColumns('p')} limit 1)`,
      [table, run],
    );
  }
}
