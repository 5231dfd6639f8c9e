import { canReadAll } from '../../shared/ledger/can-read-all.ts';
import { parkedTable } from '../../shared/ledger/schema/ledger-schema.ts';
import type { Model } from '../../shared/model/model.ts';
import { inTransaction } from '../../shared/postgres/transaction.ts';
import type { Site } from '../site/site.ts';
import { selectUnreleased } from './refused-rows.ts';
import { type WaitingSelection, waitsFor, waitsForNothing } from './waiting-rows.ts';

export interface DroppedRows {
  /** The fact. */
  table: string;
  rows: number;
  /** Of them those that had stopped waiting, and that the warehouse refuses. */
  refused: number;
}

/**
 * Forgets waiting rows, and those that the warehouse refuses: it never gets them, unless their objects are replayed.
 *
 * Rows that wait for nothing are left alone where nothing is known to be refused: a load is about to release them.
 */
export async function dropWaiting(
  site: Pick<Site, 'connectWarehouse' | 'warehouseSchema'>,
  model: Model,
  { facts, dimension }: WaitingSelection,
): Promise<DroppedRows[]> {
  const { warehouseSchema: schema } = site;
  const warehouse = await site.connectWarehouse();
  const drop = async (table: string, condition: string) =>
    (await warehouse.query(`delete from ${parkedTable(table)} p where ${condition}`)).rowCount ?? 0;
  try {
    if (!(await canReadAll(warehouse, model, schema))) return [];
    // A row that is refused waits for no dimension any more.
    const unreleased = dimension === undefined ? await selectUnreleased(warehouse) : [];
    const dropped: DroppedRows[] = [];
    for (const fact of facts) {
      const { name: table } = fact;
      const isRefused = unreleased.some(({ warehouse_table }) => warehouse_table === table);
      await inTransaction(warehouse, async () => {
        const waiting = await drop(table, waitsFor(fact, model, schema, dimension));
        const refused = isRefused ? await drop(table, waitsForNothing(fact, model, schema)) : 0;
        if (waiting + refused > 0) dropped.push({ table, rows: waiting + refused, refused });
      });
    }
    return dropped;
  } finally {
    await warehouse.end();
  }
}
