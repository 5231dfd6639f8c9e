import { releaseMemory } from '../../../shared/release-memory.ts';
import type { WarehouseTable } from '../../../shared/star-schema/assemble.ts';
import type { WarehouseType } from '../../../shared/star-schema/define.ts';

/**
 * One column of a batch, laid out as Arrow has it. One shape for all types, so that the hot loops see one:
 * int, date and boolean take a word a row, time two and numeric four, the lowest first.
 */
export interface ColumnBuffer {
  name: string;
  type: WarehouseType;
  nullable: boolean;
  /** Empty for varchar. */
  words: Int32Array<ArrayBuffer>;
  /** varchar only: row i is bytes[offsets[i], offsets[i + 1]). */
  offsets: Int32Array<ArrayBuffer>;
  bytes: Uint8Array<ArrayBuffer>;
  /** Nullable columns only: 1 where the row has a value. */
  isValid: Uint8Array<ArrayBuffer>;
}

export interface Batch {
  columns: ColumnBuffer[];
  rows: number;
  maxRows: number;
}

const wordsPerRow: Record<WarehouseType['name'], number> = {
  int: 1,
  date: 1,
  boolean: 1,
  time: 2,
  numeric: 4,
  varchar: 0,
};

/** Flushing by bytes too keeps memory flat when the rows are long. */
const fullTextBytes = 16 * 1024 * 1024;

export function makeBatch(table: WarehouseTable, maxRows: number): Batch {
  const columns = table.columns.map(({ name, type, nullable }) => ({
    name,
    type,
    nullable,
    words: new Int32Array(wordsPerRow[type.name] * maxRows),
    offsets: new Int32Array(type.name === 'varchar' ? maxRows + 1 : 0),
    bytes: new Uint8Array(type.name === 'varchar' ? 1024 : 0),
    isValid: new Uint8Array(nullable ? maxRows : 0),
  }));
  return { columns, rows: 0, maxRows };
}

export const isFull = (batch: Batch): boolean =>
  batch.rows === batch.maxRows || batch.columns.some((column) => textEnd(column, batch.rows) > fullTextBytes);

/** Frees its memory: nobody may look at it again. */
export function releaseBatch({ columns }: Batch): void {
  for (const { words, offsets, bytes, isValid } of columns)
    for (const buffer of [words, offsets, bytes, isValid]) releaseMemory(buffer);
}

/** Makes room for so many more bytes in each varchar column. */
export function reserveText(batch: Batch, moreBytes: number): void {
  for (const column of batch.columns) {
    if (column.type.name === 'varchar') reserve(column, textEnd(column, batch.rows) + moreBytes);
  }
}

export function setInt(column: ColumnBuffer, row: number, value: number): void {
  column.words[row] = value;
}

/** @param micros microseconds since midnight: more than 32 bits */
export function setTime(column: ColumnBuffer, row: number, micros: number): void {
  column.words[2 * row] = micros;
  column.words[2 * row + 1] = micros / 2 ** 32;
}

/** @param unscaled the value times 10^scale, within 128 bits */
export function setNumeric(column: ColumnBuffer, row: number, unscaled: bigint): void {
  for (let word = 0; word < 4; word++) {
    column.words[4 * row + word] = Number(BigInt.asIntN(32, unscaled >> BigInt(32 * word)));
  }
}

export function setText(column: ColumnBuffer, row: number, text: string): void {
  const encoded = Buffer.from(text);
  const start = textEnd(column, row);
  reserve(column, start + encoded.length);
  column.bytes.set(encoded, start);
  column.offsets[row + 1] = start + encoded.length;
}

export function setNull(column: ColumnBuffer, row: number): void {
  column.isValid[row] = 0;
  if (column.type.name === 'varchar') column.offsets[row + 1] = textEnd(column, row);
  else {
    const width = wordsPerRow[column.type.name];
    column.words.fill(0, row * width, (row + 1) * width);
  }
}

const textEnd = (column: ColumnBuffer, row: number): number => column.offsets[row] ?? 0;

function reserve(column: ColumnBuffer, bytes: number): void {
  if (bytes <= column.bytes.length) return;
  const larger = new Uint8Array(Math.max(bytes, 2 * column.bytes.length));
  larger.set(column.bytes);
  column.bytes = larger;
}
