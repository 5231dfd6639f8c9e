import type { RecordBatch } from 'apache-arrow';
import { type ColumnWriter, makeColumnWriter, makeConstantWriter } from './column-writer.ts';
import type { Block } from './fixed-type.ts';

const chunkBytes = 256 * 1024;
const columnCountBytes = 2;
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
  let chunk = makeChunk(chunkBytes);
  let filled = header.copy(chunk.bytes);
  for (const { data, numRows } of batches) {
    const writers = data.children.map(makeColumnWriter);
    if (objectId !== undefined) writers.push(makeConstantWriter(objectId));
    const sizes = sizeRows(writers, numRows);
    const cursors = new Int32Array(numRows);
    for (let from = 0; from < numRows; ) {
      const end = findEnd(sizes, from, chunk.bytes.length - trailerBytes - filled);
      if (end > from) {
        filled = writeRows(writers, { ...chunk, from, end, cursors }, sizes, filled);
        from = end;
      } else {
        yield chunk.bytes.subarray(0, filled);
        filled = 0;
        const neededBytes = (sizes[from] as number) + trailerBytes;
        if (neededBytes > chunk.bytes.length) chunk = makeChunk(neededBytes);
      }
    }
  }
  chunk.view.setInt16(filled, -1);
  yield chunk.bytes.subarray(0, filled + trailerBytes);
}

interface Chunk {
  bytes: Uint8Array;
  view: DataView;
}

function makeChunk(length: number): Chunk {
  const bytes = Buffer.allocUnsafeSlow(length);
  return { bytes, view: new DataView(bytes.buffer) };
}

/** The bytes of each row. */
function sizeRows(writers: readonly ColumnWriter[], rows: number): Int32Array {
  const sizes = new Int32Array(rows).fill(columnCountBytes);
  for (const writer of writers) writer.addSizes(sizes);
  return sizes;
}

/** @returns the first row, from `from` on, that has no room any more */
function findEnd(sizes: Int32Array, from: number, room: number): number {
  let end = from;
  for (let left = room; end < sizes.length; end++) {
    left -= sizes[end] as number;
    if (left < 0) break;
  }
  return end;
}

/** @returns where in the chunk the rows end */
function writeRows(writers: readonly ColumnWriter[], block: Block, sizes: Int32Array, start: number): number {
  const { view, from, end, cursors } = block;
  let at = start;
  for (let row = from; row < end; row++) {
    view.setInt16(at, writers.length);
    cursors[row] = at + columnCountBytes;
    at += sizes[row] as number;
  }
  for (const writer of writers) writer.write(block);
  return at;
}
