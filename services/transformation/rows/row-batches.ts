import { isUtf8 } from 'node:buffer';
import type { RecordBatch } from 'apache-arrow';
import type { Calendar, Dimension, Fact } from '../../../shared/model/model.ts';
import { arrowSchemaOf } from '../../../shared/parquet/arrow-schema.ts';
import { lineScannerOf, slackBytes } from '../scan/line-scanner.ts';
import { type Batch, isFull, makeBatch, releaseBatch, reserveText, toRecordBatch } from './batch.ts';
import { isAsModel, type LineFields } from './line-fields.ts';
import { type Fault, makeRowReader, type RowReader } from './read-row.ts';

export interface RowObserver {
  /** @param line 1 for the first; the row has no newline, and is valid until the call returns */
  onBadRow(line: number, fault: Fault, row: Uint8Array): void;
  /** Sees each batch before it is handed on. */
  onBatch(batch: Batch): void;
  /** @param lines how many there were, bad rows among them */
  onEnd(lines: number, reader: RowReader): void;
}

/** A batch of this many rows takes some megabytes; a few changed rows need only a batch of their number. */
export const maxRowsPerBatch = 65_536;

export interface RowBatchOptions {
  rowsPerBatch?: number;
  /** false leaves every line to the row reader. The scanner only makes it faster. */
  scan?: boolean;
  /** The lines are of an older model: see makeRowReader. */
  isOlder?: boolean;
  /** See makeRowReader. */
  lines?: LineFields;
}

/**
 * The scanner needs room for all of a block in each column of texts. A block becomes larger than this only by a long line,
 * and with many columns that room would be more memory than a function has.
 */
const maxScannedBytes = 2 * 1024 * 1024;

const newline = 0x0a;

/**
 * The rows of a stream of JSON lines as record batches of their warehouse table, at least one, in the lines' order.
 * A batch's memory is reused for the next one, and freed when the consumer asks for one more than there are.
 */
export async function* rowBatches(
  chunks: AsyncIterable<Uint8Array>,
  { table, calendar }: { table: Dimension | Fact; calendar: Calendar | undefined },
  observer: RowObserver,
  { rowsPerBatch = maxRowsPerBatch, scan = true, isOlder = false, lines }: RowBatchOptions = {},
): AsyncGenerator<RecordBatch> {
  const schema = arrowSchemaOf(table);
  // A line of other names may look like one of the model's.
  const isScanned = scan && (lines === undefined || isAsModel(lines, table.source.fields));
  const scanner = isScanned ? lineScannerOf(table) : undefined;
  const reader = makeRowReader(table, calendar, { isOlder, ...(lines !== undefined && { lines }) });
  const batch = makeBatch(table, rowsPerBatch);
  let linesBefore = 0;
  for await (const block of lineBlocks(chunks, slackBytes(table))) {
    const isScannable = block.to <= maxScannedBytes && isUtf8(block.bytes.subarray(0, block.to));
    const blockScanner = isScannable ? scanner : undefined;
    if (blockScanner !== undefined) reserveText(batch, block.to);
    for (let at = 0; at < block.to; ) {
      const rowsBefore = batch.rows;
      at = blockScanner?.(batch, block.bytes, block.view, at, block.to) ?? at;
      linesBefore += batch.rows - rowsBefore;
      if (at < block.to && !isFull(batch)) at = readLine(batch, block, at, ++linesBefore, reader, observer);
      if (!isFull(batch)) continue;
      observer.onBatch(batch);
      yield toRecordBatch(batch, schema);
      batch.rows = 0;
    }
  }
  observer.onBatch(batch);
  yield toRecordBatch(batch, schema);
  releaseBatch(batch);
  observer.onEnd(linesBefore, reader);
}

/** Whole lines, each with its newline, from the start of the bytes up to `to`. */
interface LineBlock {
  bytes: Uint8Array<ArrayBuffer>;
  view: DataView;
  to: number;
}

const firstBytes = 1024 * 1024;

/**
 * Cuts a stream of bytes after its newlines; a last line without a newline gets one. The next block overwrites the
 * memory of this one.
 *
 * @param slackBytes bytes of any content that may be read behind a block
 */
async function* lineBlocks(chunks: AsyncIterable<Uint8Array>, slackBytes: number): AsyncGenerator<LineBlock> {
  let bytes = new Uint8Array(firstBytes);
  let used = 0;
  for await (const chunk of chunks) {
    bytes = withRoom(bytes, used, used + chunk.length + 1 + slackBytes);
    bytes.set(chunk, used);
    const lastNewline = chunk.lastIndexOf(newline);
    const to = used + lastNewline + 1;
    used += chunk.length;
    if (lastNewline < 0) continue;
    yield { bytes, view: new DataView(bytes.buffer), to };
    bytes.copyWithin(0, to, used);
    used -= to;
  }
  if (used === 0) return;
  bytes[used] = newline;
  yield { bytes, view: new DataView(bytes.buffer), to: used + 1 };
}

function withRoom(bytes: Uint8Array<ArrayBuffer>, used: number, needed: number): Uint8Array<ArrayBuffer> {
  if (needed <= bytes.length) return bytes;
  const larger = new Uint8Array(2 * needed);
  larger.set(bytes.subarray(0, used));
  return larger;
}

/** Reads the one line that the scanner left. @returns where the next one starts */
function readLine(
  batch: Batch,
  { bytes }: LineBlock,
  from: number,
  line: number,
  reader: RowReader,
  observer: RowObserver,
): number {
  const end = bytes.indexOf(newline, from);
  const row = bytes.subarray(from, end);
  const fault = reader.read(batch, row);
  if (fault !== undefined) observer.onBadRow(line, fault, row);
  return end + 1;
}
