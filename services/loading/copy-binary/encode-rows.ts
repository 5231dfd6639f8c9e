import type { RecordBatch } from 'apache-arrow';
import { layOutColumn, lengthBytes } from './binary-column.ts';
import { type Chunk, makeBinaryRows, maxRowBytes, writeRows } from './write-rows.ts';

const chunkBytes = 256 * 1024;
const trailerBytes = 2;

// https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format": the signature, no flags, no extension.
const header = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');

/**
 * Rows in the format of `copy … (format binary)`: the columns in the batches' order, then, where it is
 * given, the id of the object that they came from, as an int8.
 *
 * @returns chunks of about 256 KiB in one piece of memory: each is valid until the next is asked for
 * @throws {TerminalError} a column has a type that no warehouse column has, or a value that its type has not
 */
export function* encodeCopyRows(batches: readonly RecordBatch[], objectId?: string): Generator<Uint8Array> {
  const tail = objectId === undefined ? new Int32Array(0) : int8Words(objectId);
  let chunk = makeChunk(chunkBytes);
  chunk.filled = header.copy(chunk.bytes);
  for (const { data, numRows } of batches) {
    const batch = makeBinaryRows(data.children.map(layOutColumn), numRows, tail);
    for (let row = 0; ; ) {
      row = writeRows(batch, chunk, row, chunk.bytes.length - trailerBytes);
      if (row === numRows) break;
      yield chunk.bytes.subarray(0, chunk.filled);
      const neededBytes = maxRowBytes(batch, row) + trailerBytes;
      if (neededBytes > chunk.bytes.length) chunk = makeChunk(neededBytes);
      chunk.filled = 0;
    }
  }
  chunk.view.setInt16(chunk.filled, -1);
  yield chunk.bytes.subarray(0, chunk.filled + trailerBytes);
}

function makeChunk(length: number): Chunk {
  const bytes = Buffer.allocUnsafeSlow(length);
  return { bytes, view: new DataView(bytes.buffer), filled: 0 };
}

/** An int8 of decimal digits as COPY has it: its length and its two halves. */
function int8Words(digits: string): Int32Array {
  const value = BigInt(digits);
  const half = (bits: bigint) => Number(BigInt.asIntN(32, value >> bits));
  return Int32Array.of(2 * lengthBytes, half(32n), half(0n));
}
