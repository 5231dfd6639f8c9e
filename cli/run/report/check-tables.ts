import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { checkTables, type TableCount } from '../../../shared/ledger/table-counts.ts';
import {
  describeLock,
  findLockHolder,
  type LockHolder,
  tablesIn,
} from '../../../shared/postgres/lock-holder.ts';
import type { RefusedTables } from '../../../shared/warehouse/ensure-warehouse.ts';
import { findViewFaults } from '../../../shared/warehouse/keep-current-views.ts';
import { commandFor, type Site } from '../../site/site.ts';
import { describeViewFaults } from '../../status/troubles/view-troubles.ts';
import { formatCount, formatRows } from '../../terminal/wording.ts';

/** Something that a run has found and that is no message's failure. */
export interface Finding {
  /** null where it is about no one table. */
  table: string | null;
  text: string;
  /** What to type next. */
  command: string;
  /** true where it passes by itself, such as a lock. */
  passes?: boolean;
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
  const findings = [...refused].map(([table, { message }]): Finding => {
    const isVanished = message.includes(`starlift rebuild ${table}`);
    return {
      table,
      text: isVanished ? message.replace(/ Make it again from S3.*$/, '') : message,
      command: isVanished ? commandFor({ selector }, `rebuild ${table}`) : `once that is fixed: ${run}`,
    };
  });
  const faults = await findViewFaults(warehouse, model, warehouseSchema);
  findings.push(
    ...describeViewFaults(faults).map(({ table, text }): Finding => ({ table, text, command: run })),
  );
  const lock = await findStarLock(warehouse, { model, warehouseSchema });
  if (lock !== undefined) {
    return [
      ...findings,
      { table: lock.table, text: `rows were not counted: ${describeLock(lock)}`, command: run, passes: true },
    ];
  }
  const counts = await checkTables(warehouse, { model, schema: warehouseSchema }, { mayNote: true });
  return [
    ...findings,
    ...counts.filter(({ table }) => !refused.has(table)).flatMap((count) => describeCount(count, selector)),
  ];
}

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

function describeCount({ table, state, loaded, holds, unloaded }: TableCount, selector: string): Finding[] {
  const rebuild = commandFor({ selector }, `rebuild ${table}`);
  const were = `${formatRows(loaded)} ${loaded === 1 ? 'was' : 'were'} loaded into it`;
  if (state === 'missing') return [{ table, text: `${table} is gone: ${were}`, command: rebuild }];
  if (state === 'different') {
    return [
      {
        table,
        text: `${table} was changed by somebody else: ${were}, and it holds ${formatCount(holds ?? 0)}`,
        command: rebuild,
      },
    ];
  }
  if (state === 'rebuilding') {
    const objects = unloaded === 1 ? '1 object is' : `${formatCount(unloaded)} objects are`;
    return [
      {
        table,
        text: `${table} is being rebuilt: ${objects} not loaded yet`,
        command: commandFor({ selector }, 'status'),
        passes: true,
      },
    ];
  }
  return [];
}
