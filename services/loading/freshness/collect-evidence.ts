import type pg from 'pg';
import { type AsOf, findAsOf } from '../../../shared/ledger/as-of.ts';
import { selectCensuses } from '../../../shared/ledger/censuses.ts';
import { checkContinuity } from '../../../shared/ledger/continuity.ts';
import { countWaiting, type WaitingRows } from '../../../shared/ledger/count-waiting.ts';
import { findDroppedRows } from '../../../shared/ledger/dropped-rows.ts';
import { type LoadedRun, selectLoadedRuns } from '../../../shared/ledger/loaded-runs.ts';
import { type LedgerTable, selectLedgerTables } from '../../../shared/ledger/schema/ledger-tables.ts';
import { checkTables, type TableCount } from '../../../shared/ledger/table-counts.ts';
import type { Model } from '../../../shared/model/model.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import { describeLock, findLockHolder, tablesIn } from '../../../shared/postgres/lock-holder.ts';
import type { PlanRecords } from '../../../shared/records/plan/plan-records.ts';
import type { TableEvidence, WarehouseEvidence } from '../../../shared/records/warehouse-evidence.ts';
import { findViewFaults } from '../../../shared/warehouse/current/keep-current-views.ts';

export interface EvidenceDeps {
  ingested: Pick<ObjectStore, 'get' | 'list'>;
  readPlans(now: Date): Promise<PlanRecords | undefined>;
  model: Model;
  /** The schema of the star schema's tables. */
  schema: string;
  now(): Date;
}

/**
 * Collects what `status` asks a warehouse: an operator's machine does not reach one in a VPC. The star tables are compared
 * with what was loaded into them, and what was found is remembered.
 */
export async function collectEvidence(client: pg.ClientBase, deps: EvidenceDeps): Promise<WarehouseEvidence> {
  const { model, schema, ingested } = deps;
  const now = deps.now();
  const plans = await deps.readPlans(now);
  const names = model.tables.map(({ name }) => name);
  // First, and of a catalog alone: what follows waits for a locked table.
  const holder = await findLockHolder(client, tablesIn(schema, names), 'AccessExclusiveLock');
  const { gap } = await checkContinuity(client, ingested);
  const ledger = await selectLedgerTables(client, model);
  const firsts = [...ledger].map(([table, { firstRun }]) => ({ table, run: firstRun, slices: [] }));
  const loaded: LoadedRun[] = [...(await selectLoadedRuns(client, plans?.runs[0]?.run ?? '')), ...firsts];
  const counts = holder === undefined ? await checkTables(client, { model, schema }, { mayNote: true }) : [];
  const waiting = holder === undefined ? await countWaiting(client, model, schema) : [];
  return {
    at: now.toISOString(),
    gap: gap ?? null,
    lock: holder === undefined ? null : describeLock(holder),
    dropped: await findDroppedRows(client, ingested, model),
    views: await findViewFaults(client, model, schema),
    censuses: (await selectCensuses(client)).map(({ table, state, reason, at, run, generation }) => ({
      ...{ table, state, reason, at },
      ...{ run, generation },
    })),
    tables: model.tables.map((table) => {
      const asOf = plans && findAsOf(table, model, { plans, loaded });
      const count = counts.find((each) => each.table === table.name);
      const entry = ledger.get(table.name);
      const known = entry !== undefined && asOf?.isWhole === true ? asOf : undefined;
      return describeTable(table.name, { entry, count, waiting, asOf: known });
    }),
  };
}

interface TableFacts {
  entry: LedgerTable | undefined;
  count: TableCount | undefined;
  waiting: readonly WaitingRows[];
  asOf: AsOf | undefined;
}

function describeTable(table: string, { entry, count, waiting, asOf }: TableFacts): TableEvidence {
  const waits = waiting.filter((each) => each.table === table).map(({ rows }) => rows);
  return {
    table,
    asOf: asOf?.instant.toISOString() ?? null,
    ...(asOf?.fresh && { freshAsOf: asOf.fresh.instant.toISOString(), freshBy: asOf.fresh.column }),
    objects: entry?.objects ?? 0,
    versions: entry?.versions ?? 0,
    rows: count?.holds ?? entry?.rows ?? null,
    loadedAt: entry?.loadedAt ?? null,
    firstRun: entry?.firstRun ?? null,
    lastRun: entry?.lastRun ?? null,
    waiting: waits.reduce((sum, rows) => sum + rows, 0),
    count: count === undefined ? null : describeCount(count),
  };
}

const describeCount = ({ table: _, ...count }: TableCount): TableEvidence['count'] => count;
