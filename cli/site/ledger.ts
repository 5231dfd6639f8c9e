import type pg from 'pg';
import { countDeleted } from '../../shared/ledger/censuses.ts';
import { isCensus, ledgerTable } from '../../shared/ledger/schema/ledger-schema.ts';
import { type Model, referencesTable } from '../../shared/model/model.ts';
import { selectMissing } from '../../shared/warehouse/missing-tables.ts';

/** The keys of all objects that the warehouse has loaded. */
export async function listLoadedKeys(warehouse: pg.Client): Promise<ReadonlySet<string>> {
  const { rows } = await warehouse.query<{ key: string }>(`select key from ${ledgerTable}`);
  return new Set(rows.map(({ key }) => key));
}

/**
 * The warehouse's own clock, to the microsecond: what a run loads is entered after it. In UTC: as the database's
 * own DateStyle writes it, the zone may be an abbreviation that is read as another one.
 */
export async function readClock(warehouse: pg.Client): Promise<string> {
  const { rows } = await warehouse.query<{ now: string }>(
    `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as now`,
  );
  return rows[0]?.now ?? '-infinity';
}

/** What the ledger says of one warehouse table. */
export interface LedgerCount {
  table: string;
  rows: number;
  quarantined: number;
  /** Rows that a census has marked or removed. */
  deleted: number;
  /** The runs that the objects came from. */
  runs: string[];
}

/** Counts what was loaded or deleted since then, by warehouse table, including replays, which enter no new objects. */
export async function countLoaded(warehouse: pg.Client, since: string): Promise<LedgerCount[]> {
  const deleted = await countDeleted(warehouse, since);
  const { rows } = await warehouse.query<Omit<LedgerCount, 'deleted'>>(
    `select warehouse_table as table, sum(rows)::float8 as rows, sum(quarantined)::float8 as quarantined,
            array_agg(distinct run) as runs
       from ${ledgerTable} o
      where loaded_at >= $1::timestamptz and not ${isCensus('o')}
      group by warehouse_table`,
    [since],
  );
  const names = new Set([...rows.map(({ table }) => table), ...deleted.keys()]);
  return [...names].map((table) => ({
    ...(rows.find((count) => count.table === table) ?? { table, rows: 0, quarantined: 0, runs: [] }),
    deleted: deleted.get(table) ?? 0,
  }));
}

/** Whether anything can have been loaded: the first run makes the ledger. */
export const hasLedger = async (warehouse: pg.ClientBase): Promise<boolean> =>
  (await selectMissing(warehouse, [ledgerTable])).length === 0;

/**
 * The warehouse tables that an object of the source is made into; what references the calendar comes with its dates.
 *
 * @returns none for a source table that has left the model
 */
export function tablesOf(source: string, model: Pick<Model, 'sources' | 'table' | 'calendar'>): string[] {
  const feeds = model.sources.find(({ name }) => name === source)?.feeds ?? [];
  const { calendar } = model;
  if (calendar === undefined) return [...feeds];
  const hasDates = feeds
    .map(model.table)
    .some((table) => table.kind !== 'calendar' && referencesTable(table, calendar));
  return [...feeds, ...(hasDates ? [calendar.name] : [])];
}
