import type pg from 'pg';
import { selectKnownCensuses, type TableCensus } from '../../../shared/ledger/censuses.ts';
import { checkContinuity, type LedgerGap } from '../../../shared/ledger/continuity.ts';
import type { LoadedRun } from '../../../shared/ledger/loaded-runs.ts';
import { isCensus, ledgerTable } from '../../../shared/ledger/schema/ledger-schema.ts';
import {
  hasCounts,
  type LedgerTable,
  selectLedgerTables,
} from '../../../shared/ledger/schema/ledger-tables.ts';
import { checkTables, type TableCount } from '../../../shared/ledger/table-counts.ts';
import type { Model } from '../../../shared/model/model.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import { quoteQualified } from '../../../shared/postgres/identifier.ts';
import { findViewFaults, type ViewFault } from '../../../shared/warehouse/current/keep-current-views.ts';
import { hasLedger } from '../../site/ledger.ts';

/** What the ledger says, for which no star table is touched: it can be read while one is locked. */
export interface LedgerEvidence {
  /** By warehouse table; without those that nothing was loaded into. */
  tables: ReadonlyMap<string, LedgerTable>;
  /** Of the newest runs. */
  loadedRuns: LoadedRun[];
  /** Rows that came in each of the newest runs; undefined where only a stage's evidence is known. */
  rowsOfRun: ReadonlyMap<string, number> | undefined;
  /** The newest of each table. */
  censuses: readonly KnownCensus[];
}

/** What an older release has seen names neither the run nor the generation. */
export type KnownCensus = Pick<TableCensus, 'table' | 'state' | 'reason' | 'at'> &
  Partial<Pick<TableCensus, 'run' | 'generation'>>;

/** No fewer than plans are looked at: what was planned in those is loaded in these. */
const newestRuns = 500;

/** @returns undefined where the warehouse has no ledger */
export async function readLedger(
  warehouse: pg.ClientBase,
  model: Model,
): Promise<LedgerEvidence | undefined> {
  if (!(await hasLedger(warehouse))) return undefined;
  const tables = await selectLedgerTables(warehouse, model);
  const loadedRuns = await selectNewestRuns(warehouse);
  const censuses = await selectKnownCensuses(warehouse);
  return { tables, loadedRuns, rowsOfRun: await selectRowsOfRuns(warehouse), censuses };
}

/** @returns undefined where the ledger lacks nothing that is remembered, or is not there */
export async function readGap(
  warehouse: pg.ClientBase,
  ingested: Pick<ObjectStore, 'get'>,
): Promise<LedgerGap | undefined> {
  return (await hasLedger(warehouse)) ? (await checkContinuity(warehouse, ingested)).gap : undefined;
}

export interface CountsEvidence {
  tables: TableCount[];
  /** Rows of the calendar. */
  days: number | null;
  views: ViewFault[];
}

/** Compares the star tables with what was loaded into them, and remembers nothing. */
export async function readCounts(
  warehouse: pg.ClientBase,
  { model, schema }: { model: Model; schema: string },
): Promise<CountsEvidence> {
  const options = { mayNote: false };
  const tables = (await hasCounts(warehouse)) ? await checkTables(warehouse, { model, schema }, options) : [];
  const views = await findViewFaults(warehouse, model, schema);
  if (model.calendar === undefined) return { tables, days: null, views };
  const calendar = quoteQualified(schema, model.calendar.name);
  const { rows } = await warehouse.query<{ isThere: boolean }>(
    'select to_regclass($1) is not null as "isThere"',
    [calendar],
  );
  if (rows[0]?.isThere !== true) return { tables, days: null, views };
  const counted = await warehouse.query<{ days: number }>(`select count(*)::float8 as days from ${calendar}`);
  return { tables, days: counted.rows[0]?.days ?? null, views };
}

const newest = `(select distinct run from ${ledgerTable} o where not ${isCensus('o')} order by run desc limit ${newestRuns}) as newest`;

async function selectNewestRuns(warehouse: pg.ClientBase): Promise<LoadedRun[]> {
  const { rows } = await warehouse.query<LoadedRun>(
    `select warehouse_table as table, run, array_agg(distinct slice) as slices
       from ${ledgerTable} join ${newest} using (run)
      group by warehouse_table, run`,
  );
  return rows;
}

async function selectRowsOfRuns(warehouse: pg.ClientBase): Promise<ReadonlyMap<string, number>> {
  const { rows } = await warehouse.query<{ run: string; loaded: number }>(
    `select run, sum(rows)::float8 as loaded
       from (select distinct on (warehouse_table, run, slice) run, rows
               from ${ledgerTable} join ${newest} using (run)
              order by warehouse_table, run, slice, revision desc) as slices
      group by run`,
  );
  return new Map(rows.map(({ run, loaded }) => [run, loaded]));
}
