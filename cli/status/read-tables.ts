import type pg from 'pg';
import type { StarSchema } from '../../shared/star-schema/assemble.ts';
import { countWaiting } from '../../shared/warehouse/count-waiting.ts';
import { ledgerTable } from '../../shared/warehouse/ledger-schema.ts';
import type { FailureGroup } from '../failures/list-failures.ts';
import { timeOfRun } from './read-plan.ts';
import type { TableStatus } from './status.ts';

export interface TableFacts {
  failures: readonly FailureGroup[];
  failing: ReadonlyMap<string, string>;
  quarantined: ReadonlyMap<string, number>;
  inFlight: ReadonlyMap<string, number>;
  /** Warehouse tables that were dropped. */
  missingTables: readonly string[];
  /** Some slice is not extracted yet, and may be any table's. */
  isExtracting: boolean;
  /** When the last plan was complete. */
  plannedAt: Date | undefined;
  now: Date;
}

/** The state of every warehouse table. The warehouse has its ledger. */
export async function readTables(
  warehouse: pg.Client,
  model: StarSchema,
  schema: string,
  facts: TableFacts,
): Promise<TableStatus[]> {
  const states = new Map((await readTableStates(warehouse)).map((state) => [state.table, state]));
  const waiting = facts.missingTables.length > 0 ? [] : await countWaiting(warehouse, model, schema);
  return model.tables.map((table) => {
    const source = table.kind === 'calendar' ? null : table.source.name;
    const state = states.get(table.name) ?? emptyState(table.name);
    const failed = facts.failures.filter(
      (group) => group.table !== null && [table.name, source].includes(group.table),
    );
    const counts = {
      inFlight: facts.inFlight.get(table.name) ?? 0,
      waiting: sum(waiting.filter((each) => each.table === table.name).map(({ rows }) => rows)),
      quarantined: facts.quarantined.get(table.name) ?? 0,
      deadLetters: sum(failed.map(({ count }) => count)),
    };
    const isBehind =
      counts.inFlight + counts.deadLetters > 0 || facts.isExtracting || facts.failing.has(source ?? '');
    const { objects, rows, loadedAt, run } = state;
    return {
      table: table.name,
      source,
      objects,
      rows,
      loadedAt,
      run,
      ...timesOf(run, isBehind, facts),
      ...counts,
    };
  });
}

/** What the ledger holds of one warehouse table. */
interface TableState {
  table: string;
  /** Objects and rows loaded so far, from the first run on. */
  objects: number;
  rows: number;
  quarantined: number;
  /** ISO 8601; null where nothing has been loaded. */
  loadedAt: string | null;
  run: string | null;
}

/** The state of each warehouse table that has been loaded at all. */
async function readTableStates(warehouse: pg.Client): Promise<TableState[]> {
  const { rows } = await warehouse.query<TableState>(
    `select warehouse_table as table, count(*)::float8 as objects, sum(rows)::float8 as rows,
            sum(quarantined)::float8 as quarantined,
            to_char(max(loaded_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "loadedAt",
            max(run) as run
       from ${ledgerTable}
      group by warehouse_table`,
  );
  return rows;
}

/** A table with nothing left to load is as new as the last plan, whether or not that found something of it. */
function timesOf(run: string | null, isBehind: boolean, { plannedAt, now }: TableFacts) {
  if (run === null) return { snapshotAt: null, lagSeconds: null };
  const newest = timeOfRun(run);
  const snapshot = isBehind || plannedAt === undefined || plannedAt < newest ? newest : plannedAt;
  const lagSeconds = Math.max(0, Math.round((now.getTime() - newest.getTime()) / 1000));
  return { snapshotAt: snapshot.toISOString(), lagSeconds };
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

const emptyState = (table: string): TableState => ({
  table,
  objects: 0,
  rows: 0,
  quarantined: 0,
  loadedAt: null,
  run: null,
});
