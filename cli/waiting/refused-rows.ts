import type pg from 'pg';
import { canReadAll } from '../../shared/ledger/can-read-all.ts';
import { parkedTable, unreleasedTable } from '../../shared/ledger/schema/ledger-schema.ts';
import type { Model } from '../../shared/model/model.ts';
import { commandFor, type Site } from '../site/site.ts';
import { formatRows } from '../terminal/wording.ts';
import { type WaitingSelection, waitsForNothing } from './waiting-rows.ts';

/** Rows of a fact that no longer wait for a dimension row, and that the warehouse refuses. */
export interface RefusedRows {
  /** The fact. */
  table: string;
  rows: number;
  /** In the warehouse's own words. */
  reason: string;
  /** ISO 8601. */
  since: string;
  /** The command that loads them once the warehouse accepts them. */
  mend: string;
}

/**
 * The facts whose waiting rows the warehouse refuses. The next load of a dimension that they name tries again too.
 * None for the selection of a dimension: they wait for no row of it any more.
 */
export async function readRefused(
  site: Pick<Site, 'connectWarehouse' | 'warehouseSchema' | 'selector'>,
  model: Model,
  { facts, dimension }: WaitingSelection,
): Promise<RefusedRows[]> {
  if (dimension !== undefined) return [];
  const warehouse = await site.connectWarehouse();
  try {
    if (!(await canReadAll(warehouse, model, site.warehouseSchema))) return [];
    const refused: RefusedRows[] = [];
    for (const { warehouse_table: table, tried_by, reason, since } of await selectUnreleased(warehouse)) {
      const fact = facts.find(({ name }) => name === table);
      if (fact === undefined) continue;
      const { rows } = await warehouse.query<{ count: number }>(
        `select count(*)::float8 as count from ${parkedTable(table)} p
         where ${waitsForNothing(fact, model, site.warehouseSchema)}`,
      );
      const count = rows[0]?.count ?? 0;
      const mend = commandFor(site, `replay --table ${tried_by}`);
      // What was dropped, or loaded in a newer version since, is refused no longer.
      if (count > 0) refused.push({ table, rows: count, reason, since, mend });
    }
    return refused;
  } finally {
    await warehouse.end();
  }
}

export interface Unreleased {
  warehouse_table: string;
  tried_by: string;
  reason: string;
  since: string;
}

/** A warehouse that was made by an older version has no such table before the next load. */
export async function selectUnreleased(warehouse: pg.ClientBase): Promise<Unreleased[]> {
  const { rows: found } = await warehouse.query<{ isThere: boolean }>(
    'select to_regclass($1) is not null as "isThere"',
    [unreleasedTable],
  );
  if (found[0]?.isThere !== true) return [];
  const { rows } = await warehouse.query<Unreleased>(
    `select warehouse_table, tried_by, reason,
            to_char(since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as since
     from ${unreleasedTable} order by since`,
  );
  return rows;
}

/** @example '3 rows of fact_payment wait for no dimension row any more, but the warehouse refuses them: …' */
export function describeRefused({ table, rows, reason }: RefusedRows): string {
  const [wait, them] = rows === 1 ? ['waits', 'it'] : ['wait', 'them'];
  return `${formatRows(rows)} of ${table} ${wait} for no dimension row any more, but the warehouse refuses ${them}: ${reason}`;
}
