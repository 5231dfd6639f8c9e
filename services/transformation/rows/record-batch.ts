import { BufferType, Data, makeData, RecordBatch, type Schema, Struct } from 'apache-arrow';
import { arrowTypeOf } from '../../../shared/parquet/arrow-schema.ts';
import type { Batch, ColumnBuffer } from './column-buffers.ts';

/** A view of the batch's rows for Arrow; it is valid until the batch is written to again. */
export function toRecordBatch(batch: Batch, schema: Schema): RecordBatch {
  const children = batch.columns.map((column) => toArrowData(column, batch.rows));
  const struct = makeData({ type: new Struct(schema.fields), length: batch.rows, nullCount: 0, children });
  return new RecordBatch(schema, struct);
}

function toArrowData(column: ColumnBuffer, rows: number): Data {
  const { nullable, isValid, offsets } = column;
  const nullCount = nullable ? countZeros(isValid, rows) : 0;
  const buffers = {
    [BufferType.OFFSET]: offsets.subarray(0, rows + 1),
    [BufferType.DATA]: toValues(column, rows),
    ...(nullable && { [BufferType.VALIDITY]: packBits(isValid, rows) }),
  };
  return new Data(arrowTypeOf(column.type), 0, rows, nullCount, buffers);
}

function toValues({ type, words, offsets, bytes }: ColumnBuffer, rows: number) {
  switch (type.name) {
    case 'int':
    case 'date':
      return words.subarray(0, rows);
    case 'boolean':
      return packBits(words, rows);
    case 'time':
      return new BigInt64Array(words.buffer, 0, rows);
    case 'numeric':
      return new Uint32Array(words.buffer, 0, 4 * rows);
    case 'varchar':
      return bytes.subarray(0, offsets[rows]);
  }
}

/** Arrow keeps 8 rows in a byte, the first in the lowest bit. */
function packBits(flags: Uint8Array | Int32Array, length: number): Uint8Array<ArrayBuffer> {
  const bits = new Uint8Array(Math.ceil(length / 8));
  for (let row = 0; row < length; row++) {
    if (flags[row] === 1) bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7));
  }
  return bits;
}

function countZeros(flags: Uint8Array, length: number): number {
  let zeros = 0;
  for (let row = 0; row < length; row++) if (flags[row] === 0) zeros++;
  return zeros;
}
