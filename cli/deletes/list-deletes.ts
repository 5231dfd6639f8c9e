import { countMarked, selectKnownCensuses, type TableCensus } from '../../shared/ledger/censuses.ts';
import type { Model } from '../../shared/model/model.ts';
import type { NamedTables } from '../options/named-tables.ts';
import type { Site } from '../site/site.ts';

/** What is known of the deletes of one warehouse table. */
export interface TableDeletes {
  table: string;
  /** Rows that are marked as deleted; null where the table has no column for marks. */
  marked: number | null;
  /** The newest census that matters; null before the first. */
  census: Omit<TableCensus, 'table' | 'key' | 'run' | 'slice'> | null;
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
    for (const table of markedTables(site.model, selection)) {
      const marked = await countMarked(warehouse, site.warehouseSchema, table);
      const census = censuses.find((each) => each.table === table);
      listed.push({ table, marked, census: census === undefined ? null : describe(census) });
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

/** The calendar's rows are made of dates, and never deleted. */
const markedTables = ({ tables }: Model, selection: NamedTables): string[] =>
  tables
    .filter(({ kind, name }) => kind !== 'calendar' && selection.tables.includes(name))
    .map(({ name }) => name);
