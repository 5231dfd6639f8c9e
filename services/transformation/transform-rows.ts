import { writeParquet } from '../../shared/parquet/write-parquet.ts';
import type { Calendar, Dimension, Fact } from '../../shared/star-schema/assemble.ts';
import { calendarBatch, makeNamedDates } from './calendar-rows.ts';
import { makeQuarantine, type Quarantine } from './quarantine.ts';
import { type RowBatchOptions, rowBatches } from './rows/row-batches.ts';

export interface ParquetFile {
  parquet: Uint8Array;
  rows: number;
}

export interface TransformedRows extends ParquetFile {
  /** Lines read: rows and quarantined rows. */
  lines: number;
  quarantine: Quarantine;
  /** A fact's: the calendar's rows for the dates that its rows name. */
  dates: ParquetFile | undefined;
  /** Codes outside ISO 4217, which are their own names. */
  unknownCurrencies: string[];
}

/**
 * Makes a warehouse table's Parquet file of its source's JSON lines. What it gives depends on the lines alone.
 *
 * @param chunks the lines' bytes, cut anywhere
 */
export async function transformRows(
  chunks: AsyncIterable<Uint8Array>,
  table: Dimension | Fact,
  calendar: Calendar,
  options: RowBatchOptions = {},
): Promise<TransformedRows> {
  const quarantine = makeQuarantine();
  const namedDates = makeNamedDates(table, calendar);
  let lines = 0;
  let unknownCurrencies: string[] = [];
  const batches = rowBatches(
    chunks,
    table,
    {
      onBadRow: quarantine.add,
      onBatch: namedDates.add,
      onEnd: (count, reader) => {
        lines = count;
        unknownCurrencies = [...reader.unknownCurrencies];
      },
    },
    options,
  );
  const parquet = await writeParquet(table, batches);
  const dates = table.kind === 'fact' ? await writeDates(namedDates.days(), calendar) : undefined;
  return { parquet, rows: lines - quarantine.rows, lines, quarantine, dates, unknownCurrencies };
}

const writeDates = async (days: readonly number[], calendar: Calendar): Promise<ParquetFile> => ({
  parquet: await writeParquet(calendar, [calendarBatch(days, calendar)]),
  rows: days.length,
});
