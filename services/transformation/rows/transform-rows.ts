import type { RecordBatch } from 'apache-arrow';
import { type CalendarRow, calendarRow, epochDayOf } from '../../../shared/model/calendar.ts';
import { type Calendar, type Dimension, type Fact, referencesTable } from '../../../shared/model/model.ts';
import { arrowSchemaOf } from '../../../shared/parquet/arrow-schema.ts';
import { writeParquet } from '../../../shared/parquet/write-parquet.ts';
import { type Batch, type ColumnBuffer, makeBatch, setInt, setText, toRecordBatch } from './batch.ts';
import { makeQuarantine, type Quarantine } from './quarantine.ts';
import { type RowBatchOptions, rowBatches } from './row-batches.ts';

export interface ParquetFile {
  parquet: Uint8Array;
  rows: number;
}

export interface TransformedRows extends ParquetFile {
  /** Lines read: rows and quarantined rows. */
  lines: number;
  quarantine: Quarantine;
  /** Of a table that references the calendar: the calendar's rows for the dates that its rows name. */
  dates: ParquetFile | undefined;
  /** The texts that a lookup does not list. */
  unlisted: { lookup: string; texts: string[] }[];
}

/**
 * Makes a warehouse table's Parquet file of its source's JSON lines. The result depends on the lines alone.
 *
 * @param chunks the lines' bytes, cut anywhere
 */
export async function transformRows(
  chunks: AsyncIterable<Uint8Array>,
  table: Dimension | Fact,
  calendar: Calendar | undefined,
  options: RowBatchOptions = {},
): Promise<TransformedRows> {
  const quarantine = makeQuarantine({ hidesText: options.lines?.isClear === true });
  const namedDates =
    calendar && referencesTable(table, calendar) ? makeNamedDates(table, calendar) : undefined;
  let lines = 0;
  let unlisted: TransformedRows['unlisted'] = [];
  const batches = rowBatches(
    chunks,
    { table, calendar },
    {
      onBadRow: quarantine.add,
      onBatch: (batch) => namedDates?.add(batch),
      onEnd: (count, reader) => {
        lines = count;
        unlisted = [...reader.unlisted].map(([lookup, texts]) => ({ lookup, texts: [...texts] }));
      },
    },
    options,
  );
  const parquet = await writeParquet(table, batches);
  const dates = calendar && namedDates ? await writeDates(namedDates.days(), calendar) : undefined;
  return { parquet, rows: lines - quarantine.rows, lines, quarantine, dates, unlisted };
}

interface NamedDates {
  /** Adds the dates that a batch's rows name. */
  add(batch: Batch): void;
  /** Days since 1970-01-01, each once, the earliest first. */
  days(): number[];
}

const firstDay = epochDayOf(1, 1, 1);
const lastDay = epochDayOf(9999, 12, 31);

/** Collects the distinct dates of a table's columns that refer to the calendar. */
function makeNamedDates(table: Dimension | Fact, calendar: Calendar): NamedDates {
  const dateColumns = table.columns.flatMap(({ references }, index) =>
    references === calendar.name ? [index] : [],
  );
  // A byte for each day of the calendar takes a few megabytes, and is far faster than a Set.
  const isNamed = new Uint8Array(lastDay - firstDay + 1);
  return {
    add({ columns, rows }) {
      for (const index of dateColumns) markDays(isNamed, columns[index] as ColumnBuffer, rows);
    },
    days() {
      const days: number[] = [];
      for (let at = isNamed.indexOf(1); at >= 0; at = isNamed.indexOf(1, at + 1)) days.push(at + firstDay);
      return days;
    },
  };
}

function markDays(isNamed: Uint8Array, { words, nullable, isValid }: ColumnBuffer, rows: number): void {
  for (let row = 0; row < rows; row++) {
    if (!nullable || isValid[row] === 1) isNamed[(words[row] as number) - firstDay] = 1;
  }
}

const writeDates = async (days: readonly number[], calendar: Calendar): Promise<ParquetFile> => ({
  parquet: await writeParquet(calendar, [calendarBatch(days, calendar)]),
  rows: days.length,
});

/** The calendar's rows for these days, as one record batch. */
function calendarBatch(days: readonly number[], calendar: Calendar): RecordBatch {
  const batch = makeBatch(calendar, days.length);
  for (const [row, day] of days.entries()) {
    const values = calendarRow(day);
    for (const column of batch.columns) {
      const value = values[column.name as keyof CalendarRow];
      if (typeof value === 'string') setText(column, row, value);
      else setInt(column, row, value);
    }
  }
  batch.rows = days.length;
  return toRecordBatch(batch, arrowSchemaOf(calendar));
}
