import type { Data, RecordBatch } from 'apache-arrow';
import { type ColumnWriter, makeColumnWriter } from './column-writer.ts';
import { Int8Writer } from './int8-writer.ts';

const chunkBytes = 256 * 1024;
const trailerBytes = 2;

// https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format": the signature, no flags, no extension.
const header = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');

/**
 * Rows in the format of `copy … (format binary)`: the columns in the batches' order, then, where it is
 * given, the id of the object that they came from, as an int8.
 *
 * @returns chunks of about 256 KiB in one piece of memory: each is valid until the next is asked for
 * @throws {TerminalError} a column has a type that no warehouse column has
 */
export function* encodeCopyRows(batches: readonly RecordBatch[], objectId?: string): Generator<Uint8Array> {
  let chunk: Buffer = Buffer.allocUnsafe(chunkBytes);
  let at = header.copy(chunk);
  for (const batch of batches) {
    const writers = makeWriters(batch.data.children, objectId);
    const limitOf = makeRowLimit(writers);
    for (let row = 0; row < batch.numRows; row++) {
      const limit = limitOf(row);
      if (at + limit > chunk.length - trailerBytes) {
        yield chunk.subarray(0, at);
        at = 0;
        if (limit > chunk.length - trailerBytes) chunk = Buffer.allocUnsafe(limit + trailerBytes);
      }
      at = chunk.writeInt16BE(writers.length, at);
      for (const writer of writers) at = writer.write(chunk, at, row);
    }
  }
  at = chunk.writeInt16BE(-1, at);
  yield chunk.subarray(0, at);
}

function makeWriters(columns: readonly Data[], objectId: string | undefined): ColumnWriter[] {
  const writers = columns.map(makeColumnWriter);
  return objectId === undefined ? writers : [...writers, new Int8Writer(objectId)];
}

/** Bytes that a row can take at most. */
function makeRowLimit(writers: readonly ColumnWriter[]): (row: number) => number {
  const fixedBytes = 2 + writers.reduce((sum, { maxBytes }) => sum + maxBytes, 0);
  const offsets = writers.flatMap(({ valueOffsets }) => (valueOffsets === undefined ? [] : [valueOffsets]));
  return (row) => {
    let bytes = fixedBytes;
    for (const offset of offsets) bytes += (offset[row + 1] ?? 0) - (offset[row] ?? 0);
    return bytes;
  };
}
