import type { RecordBatch } from 'apache-arrow';
import { arrowSchemaOf } from '../../shared/parquet/arrow-schema.ts';
import type { Calendar, Dimension, Fact } from '../../shared/star-schema/assemble.ts';
import { type CalendarRow, calendarRow, epochDayOf } from '../../shared/star-schema/calendar.ts';
import { type Batch, type ColumnBuffer, makeBatch, setInt, setText } from './rows/column-buffers.ts';
import { toRecordBatch } from './rows/record-batch.ts';

export interface NamedDates {
  /** Adds the dates that a batch's rows name. */
  add(batch: Batch): void;
  /** Days since 1970-01-01, each once, the earliest first. */
  days(): number[];
}

const firstDay = epochDayOf(1, 1, 1);
const lastDay = epochDayOf(9999, 12, 31);

/** Collects the distinct dates of a table's columns that refer to the calendar. */
export function makeNamedDates(table: Dimension | Fact, calendar: Calendar): NamedDates {
  const dateColumns = table.columns.flatMap(({ references }, index) =>
    references === calendar.name ? [index] : [],
  );
  // A byte for each day of the calendar: a hundred times as fast as a Set, and 3.6 MB.
  const isNamed = new Uint8Array(dateColumns.length === 0 ? 0 : lastDay - firstDay + 1);
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

function markDays(isNamed: Uint8Array, { words }: ColumnBuffer, rows: number): void {
  for (let row = 0; row < rows; row++) isNamed[(words[row] as number) - firstDay] = 1;
}

/** The calendar's rows for these days, as one record batch. */
export function calendarBatch(days: readonly number[], calendar: Calendar): RecordBatch {
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
