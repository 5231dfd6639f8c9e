import { type Data, DataType, makeVector, type RecordBatch } from 'apache-arrow';

// The loops below count rows: `for … of` makes an object of each value until V8 has optimised it. Each is alone in its
// function: V8 leaves code that it compiled inside another loop when that loop ends, and compiles it again the next
// time.

/**
 * A byte for each integer between the least and the greatest is far faster than a Set. It may take at most this much.
 */
const maxMarkedBytes = 4 * 1024 * 1024;

/**
 * The distinct values of one column, ignoring nulls: numbers as they are, dates as days and timestamps as microseconds since
 * 1970-01-01, bytes as Postgres writes them. See `keyTexts`.
 */
export function distinctValues(batches: readonly RecordBatch[], column: number): (number | string)[] {
  const parts = columnData(batches, column);
  if (!parts.every(({ values }) => values instanceof Int32Array)) return collectValues(parts);
  const extent = extentOf(batches, column);
  if (extent === undefined) return [];
  const [least, greatest] = extent;
  return greatest - least < maxMarkedBytes ? distinctByMarks(parts, least, greatest) : collectIntegers(parts);
}

/** The values of one column without nulls, one for each row; as those of `distinctValues`. */
export function columnValues(batches: readonly RecordBatch[], column: number): (number | string)[] {
  const values: (number | string)[] = [];
  for (const data of columnData(batches, column)) {
    const read = valueReader(data);
    for (let row = 0; row < data.length; row++) values.push(read(row));
  }
  return values;
}

/** Whether no two rows have the same values in these columns, which hold no nulls. */
export function areDistinct(batches: readonly RecordBatch[], columns: readonly number[]): boolean {
  const [first = 0, ...others] = columns;
  // The first column of a compound key is often distinct by itself.
  return isDistinctColumn(batches, first) || (others.length > 0 && areDistinctTogether(batches, columns));
}

function isDistinctColumn(batches: readonly RecordBatch[], column: number): boolean {
  const [least, greatest] = extentOf(batches, column) ?? [0, maxMarkedBytes];
  if (greatest - least < maxMarkedBytes) {
    const marks = new Uint8Array(greatest - least + 1);
    return columnData(batches, column).every((data) => markOnce(marks, presentIntegers(data), least));
  }
  return distinctValues(batches, column).length === countRows(batches);
}

function areDistinctTogether(batches: readonly RecordBatch[], columns: readonly number[]): boolean {
  const seen = new Set<string>();
  for (const { data, numRows } of batches) {
    const readers = columns.flatMap((column) => data.children[column] ?? []).map(valueReader);
    // No text of Postgres has the character between the values.
    for (let row = 0; row < numRows; row++) seen.add(readers.map((read) => read(row)).join('\0'));
  }
  return seen.size === countRows(batches);
}

const countRows = (batches: readonly RecordBatch[]): number =>
  batches.reduce((sum, { numRows }) => sum + numRows, 0);

/** The least and the greatest value of an int column, ignoring nulls; undefined for other types, or without values. */
export function extentOf(
  batches: readonly RecordBatch[],
  column: number,
): readonly [number, number] | undefined {
  const parts = columnData(batches, column);
  if (!parts.every(({ values }) => values instanceof Int32Array)) return undefined;
  const extents = parts.map(presentIntegers).map(extentOfIntegers);
  const least = Math.min(...extents.map(([least]) => least));
  const greatest = Math.max(...extents.map(([, greatest]) => greatest));
  return least <= greatest ? [least, greatest] : undefined;
}

/** Infinity and -Infinity if there are none. */
function extentOfIntegers(values: Int32Array): readonly [number, number] {
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < values.length; row++) {
    const value = values[row] as number;
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  return [least, greatest];
}

function distinctByMarks(parts: readonly Data[], least: number, greatest: number): number[] {
  const marks = new Uint8Array(greatest - least + 1);
  for (const data of parts) markIntegers(marks, presentIntegers(data), least);
  const distinct: number[] = [];
  for (let at = marks.indexOf(1); at >= 0; at = marks.indexOf(1, at + 1)) distinct.push(at + least);
  return distinct;
}

function markIntegers(marks: Uint8Array, values: Int32Array, least: number): void {
  for (let row = 0; row < values.length; row++) marks[(values[row] as number) - least] = 1;
}

/** @returns whether every value was new */
function markOnce(marks: Uint8Array, values: Int32Array, least: number): boolean {
  for (let row = 0; row < values.length; row++) {
    const at = (values[row] as number) - least;
    if (marks[at] === 1) return false;
    marks[at] = 1;
  }
  return true;
}

function collectIntegers(parts: readonly Data[]): number[] {
  const distinct = new Set<number>();
  for (const data of parts) {
    for (const value of presentIntegers(data)) distinct.add(value);
  }
  return [...distinct];
}

function collectValues(parts: readonly Data[]): (number | string)[] {
  const distinct = new Set<number | string>();
  for (const data of parts) {
    const read = valueReader(data);
    for (let row = 0; row < data.length; row++) if (data.getValid(row)) distinct.add(read(row));
  }
  return [...distinct];
}

/**
 * Reads a column's values as what JavaScript compares by value: a Decimal of Arrow is an object, equal to itself alone,
 * and its decoder of texts leaves a byte order mark out. Texts and numbers are such as Postgres reads.
 */
function valueReader(data: Data): (row: number) => number | string {
  const { type, values, valueOffsets } = data;
  if (DataType.isUtf8(type)) {
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    return (row) => bytes.toString('utf8', valueOffsets[row], valueOffsets[row + 1]);
  }
  if (DataType.isDecimal(type)) {
    const words = new Uint32Array(values.buffer, values.byteOffset, values.byteLength / 4);
    return (row) => `${unscaledOf(words, row)}e-${type.scale}`;
  }
  if (DataType.isBinary(type)) {
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    return (row) => `\\x${bytes.toString('hex', valueOffsets[row], valueOffsets[row + 1])}`;
  }
  if (values instanceof BigInt64Array) return (row) => exactly(values[row] as bigint);
  if (values instanceof Int32Array || values instanceof Int16Array) return (row) => values[row] as number;
  if (values instanceof Float32Array || values instanceof Float64Array) return (row) => values[row] as number;
  const vector = makeVector(data);
  return (row) => String(vector.get(row));
}

function exactly(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

/** @param words four a value, the lowest first */
function unscaledOf(words: Uint32Array, row: number): bigint {
  let unscaled = 0n;
  for (let word = 3; word >= 0; word--)
    unscaled = (unscaled << 32n) | BigInt(words[4 * row + word] as number);
  return BigInt.asIntN(128, unscaled);
}

/** Returns the column's own memory if it has no nulls. */
function presentIntegers({ values, length, nullCount, nullBitmap }: Data): Int32Array {
  const all = (values as Int32Array).subarray(0, length);
  if (nullCount === 0) return all;
  return all.filter((_, row) => (((nullBitmap[row >> 3] as number) >> (row & 7)) & 1) === 1);
}

const columnData = (batches: readonly RecordBatch[], column: number): Data[] =>
  batches.flatMap(({ data }) => data.children[column] ?? []);
