import type { StarSchema } from '../../shared/star-schema/assemble.ts';
import type { WaitingRows } from '../../shared/warehouse/count-waiting.ts';
import type { LedgerCount } from '../site/ledger.ts';

/** What became of a warehouse table's rows in one run: extracted = loaded + waiting + quarantined + failed. */
export interface TableTally {
  table: string;
  /** The source table; null for the calendar, whose rows come from all facts. */
  source: string | null;
  extracted: number;
  loaded: number;
  /** Facts whose dimension row has not landed yet. */
  waiting: number;
  quarantined: number;
  /** Rows of objects that are dead-lettered. */
  failed: number;
}

/** Makes one tally per warehouse table, in the model's order. */
export function makeTallies(
  model: StarSchema,
  ledger: readonly LedgerCount[],
  waitingRows: readonly WaitingRows[],
  failedRows: ReadonlyMap<string, number>,
): TableTally[] {
  return model.tables.map((table) => {
    const loaded = ledger.find((count) => count.table === table.name);
    const { rows = 0, quarantined = 0, runs = [] } = loaded ?? {};
    const waiting = waitingRows
      .filter((waits) => waits.table === table.name && waits.run !== null && runs.includes(waits.run))
      .reduce((sum, waits) => sum + waits.rows, 0);
    const failed = failedRows.get(table.name) ?? 0;
    return {
      table: table.name,
      source: table.kind === 'calendar' ? null : table.source.name,
      extracted: rows + quarantined + failed,
      loaded: rows - waiting,
      waiting,
      quarantined,
      failed,
    };
  });
}
