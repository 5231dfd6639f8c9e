import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { LostTableError } from '../../../shared/errors.ts';
import { checkTables, type TableCount } from '../../../shared/ledger/table-counts.ts';
import {
  describeLock,
  findLockHolder,
  type LockHolder,
  tablesIn,
} from '../../../shared/postgres/lock-holder.ts';
import { findViewFaults } from '../../../shared/warehouse/current/keep-current-views.ts';
import type { RefusedTables } from '../../../shared/warehouse/ensure-warehouse.ts';
import { commandFor, type Site } from '../../site/site.ts';
import { describeChangedTables } from '../../status/troubles/changed-tables.ts';
import { describeViewFaults } from '../../status/troubles/view-troubles.ts';

/** Something that a run has found and that is no message's failure. */
export interface Finding {
  /** null where it is about no one table. */
  table: string | null;
  text: string;
  /** What to type next. */
  command: string;
  /** true where it passes by itself, such as a lock. */
  passes?: boolean;
  /** Tables that nothing can be loaded into before this is mended: failures of their loads say nothing more. */
  unloadable?: readonly string[];
}

/**
 * Checks that the star tables hold what was loaded into them, and says what keeps them from being looked at.
 *
 * @param refused tables that differ from the model or have vanished
 */
export async function checkWarehouse(
  {
    warehouse,
    warehouseSchema,
    selector,
    model,
  }: Pick<Site, 'warehouseSchema' | 'selector' | 'model'> & {
    warehouse: pg.Client;
  },
  refused: RefusedTables,
): Promise<Finding[]> {
  const run = commandFor({ selector }, 'run');
  const lost = [...refused].flatMap(([table, error]): TableCount[] =>
    error instanceof LostTableError
      ? [{ table, state: 'missing', loaded: error.rows, holds: null, unloaded: 0 }]
      : [],
  );
  const differing = [...refused].flatMap(([table, error]): Finding[] =>
    error instanceof LostTableError
      ? []
      : [{ table, text: error.message, command: `once that is fixed: ${run}` }],
  );
  const faults = await findViewFaults(warehouse, model, warehouseSchema);
  // A table that is not the model's has no view of the model's, either.
  const unexplained = faults.filter(({ table }) => !refused.has(table));
  differing.push(
    ...describeViewFaults(unexplained).map(({ table, text }): Finding => ({ table, text, command: run })),
  );
  const lock = await findStarLock(warehouse, { model, warehouseSchema });
  if (lock !== undefined) {
    return [...describeAll(lost, { selector }), ...differing, describeStarLock(lock, { selector })];
  }
  const counts = await checkTables(warehouse, { model, schema: warehouseSchema }, { mayNote: true });
  // The calendar is not counted, and may be lost.
  const all = [...counts, ...lost.filter(({ table }) => counts.every((count) => count.table !== table))];
  const known = all.filter(({ table }) => lost.some((count) => count.table === table) || !refused.has(table));
  return [...describeAll(known, { selector }), ...differing];
}

function describeAll(counts: readonly TableCount[], site: Pick<Site, 'selector'>): Finding[] {
  const unloadable = (state: 'missing' | 'forbidden') => {
    const tables = counts.filter((count) => count.state === state).map(({ table }) => table);
    return describeChangedTables(counts, state, site).map((finding) => ({ ...finding, unloadable: tables }));
  };
  return [
    ...unloadable('missing'),
    ...unloadable('forbidden'),
    ...describeChangedTables(counts, 'different', site),
    ...describeChangedTables(counts, 'rebuilding', site).map((finding) => ({ ...finding, passes: true })),
  ];
}

/** Failed loads that no finding explains yet: their table may have gone since it was last looked at. */
export const listUnexplained = <T extends { table?: string | undefined; queue: string }>(
  letters: readonly T[],
  findings: readonly Finding[],
): T[] =>
  letters.filter(
    ({ table, queue }) =>
      queue !== 'load' ||
      table === undefined ||
      !findings.some(({ unloadable = [] }) => unloadable.includes(table)),
  );

/** Of all that a lock keeps from being looked at: it is one cause. */
export const describeStarLock = (lock: LockHolder, site: Pick<Site, 'selector'>): Finding => ({
  table: lock.table,
  text: `the rows of the warehouse were not looked at: ${describeLock(lock)}`,
  command: commandFor(site, `sql "select state, query from pg_stat_activity where pid = ${lock.pid}"`),
  passes: true,
});

/** A load of ours that builds the keys of a fact holds it for a moment. */
const passingLockMs = 1000;
const lookAgainMs = 50;

/** Who holds a star table so that nobody can read it, and has done so for longer than a moment. */
export async function findStarLock(
  warehouse: pg.Client,
  { model, warehouseSchema }: Pick<Site, 'model' | 'warehouseSchema'>,
): Promise<LockHolder | undefined> {
  const tables = tablesIn(
    warehouseSchema,
    model.tables.map(({ name }) => name),
  );
  const begun = performance.now();
  for (;;) {
    const holder = await findLockHolder(warehouse, tables, 'AccessExclusiveLock');
    if (holder === undefined || performance.now() - begun >= passingLockMs) return holder;
    await delay(lookAgainMs);
  }
}
