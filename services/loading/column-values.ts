import { type Data, makeVector, type RecordBatch } from 'apache-arrow';

/** The distinct values of one column, nulls left out: ints as they are, dates as days since 1970-01-01. */
export function distinctValues(batches: readonly RecordBatch[], column: number): Set<number | string> {
  const distinct = new Set<number | string>();
  for (const data of columnData(batches, column)) {
    if (data.values instanceof Int32Array) addIntegers(data, data.values, distinct);
    else for (const value of makeVector(data)) if (value !== null) distinct.add(value);
  }
  return distinct;
}

/** The least and the greatest value of a column of ints without nulls; undefined for other columns, or no rows. */
export function extentOf(
  batches: readonly RecordBatch[],
  column: number,
): readonly [number, number] | undefined {
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (const { values } of columnData(batches, column)) {
    if (!(values instanceof Int32Array)) return undefined;
    for (const value of values) {
      if (value < least) least = value;
      if (value > greatest) greatest = value;
    }
  }
  return least <= greatest ? [least, greatest] : undefined;
}

function addIntegers(data: Data, values: Int32Array, distinct: Set<number | string>): void {
  for (let row = 0; row < data.length; row++) {
    const isPresent = data.nullCount === 0 || ((data.nullBitmap[row >> 3] ?? 0) >> (row & 7)) & 1;
    if (isPresent) distinct.add(values[row] ?? 0);
  }
}

const columnData = (batches: readonly RecordBatch[], column: number): Data[] =>
  batches.flatMap(({ data }) => data.children[column] ?? []);
