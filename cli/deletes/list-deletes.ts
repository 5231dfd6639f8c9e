import {
  countDeleted,
  countMarked,
  selectKnownCensuses,
  type TableCensus,
} from '../../shared/ledger/censuses.ts';
import type { Deletes } from '../../shared/model/define.ts';
import type { NamedTables } from '../options/named-tables.ts';
import type { Site } from '../site/site.ts';

/** What is known of the deletes of one warehouse table. */
export interface TableDeletes {
  table: string;
  /** What becomes of them. */
  deletes: Deletes;
  /** Rows that are marked as deleted; null where rows are not marked, or the table has no column for marks. */
  marked: number | null;
  /** Rows that were removed so far, each time that one was; null where rows are not removed. */
  removed: number | null;
  /** The newest census that matters; null before the first. */
  census: Pick<TableCensus, 'state' | 'reason' | 'at' | 'keys'> | null;
}

/** @throws {UsageError} the warehouse cannot be reached */
export async function listDeletes(
  site: Pick<Site, 'connectWarehouse' | 'warehouseSchema' | 'model'>,
  selection: NamedTables,
): Promise<TableDeletes[]> {
  const warehouse = await site.connectWarehouse();
  try {
    const censuses = await selectKnownCensuses(warehouse);
    const listed: TableDeletes[] = [];
    const deleted = await countDeleted(warehouse, '-infinity');
    for (const table of site.model.tables) {
      // The calendar's rows are made of dates, and never deleted.
      if (table.kind === 'calendar' || !selection.tables.includes(table.name)) continue;
      const { name, deletes } = table;
      const census = censuses.find((each) => each.table === name);
      listed.push({
        table: name,
        deletes,
        marked: deletes === 'mark' ? await countMarked(warehouse, site.warehouseSchema, name) : null,
        removed: deletes === 'remove' ? (deleted.get(name) ?? 0) : null,
        census: census === undefined || deletes === 'keep' ? null : describe(census),
      });
    }
    return listed;
  } finally {
    await warehouse.end();
  }
}

const describe = ({ state, reason, at, keys }: TableCensus): TableDeletes['census'] => ({
  state,
  reason,
  at,
  keys,
});
