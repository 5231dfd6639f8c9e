import { TerminalError } from '../../../shared/errors.ts';
import { type ColumnLayout, layOutColumns, type TranscodeColumn } from './columns.ts';
import type { Cursor } from './transcode-rows.ts';
import { slackBytes, transcodeRows } from './transcode-rows.ts';

export interface Transcoder {
  /**
   * Takes the next bytes of the COPY, cut anywhere, and makes the lines of the rows that they complete.
   *
   * @returns how many bytes of lines there are to take
   * @throws {TerminalError} the bytes are not COPY text of these columns
   */
  push(chunk: Uint8Array): number;
  /**
   * Hands over the lines made since the last take, and the memory that holds them.
   *
   * @param next memory for the lines to come, which overwrite its content; new memory by default
   */
  take(next?: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
  /**
   * @returns how many rows there were
   * @throws {TerminalError} the COPY broke off within a row
   */
  end(): { rows: number };
}

const newline = 0x0a;
/** The output's room is made for so much input at a time, and the rest of the row that it ends in. */
const blockBytes = 16 * 1024;
/** For half a megabyte of lines, what a socket delivers behind them, and the room for the worst. */
const outputBytes = 1024 * 1024;
/** A control character may arrive as one byte and become `\u001f`. */
const longestEscapeBytes = 6;

/**
 * Makes a transcoder from Postgres' COPY text format to NDJSON: a line is byte for byte what
 * `row_to_json(row)::text` is for the row, in a session with extractSessionSettings, where columns name
 * the row's columns in order; but json is a string of its text, and an oid a number: see jsonKindOf.
 *
 * Rows are transcoded whole; an unfinished row waits for the next push. The lines of several pushes are written one
 * after the other into the memory that `take` hands over, so that they need not be copied into a batch.
 *
 * @throws {TerminalError} there are no columns
 */
export function makeTranscoder(columns: readonly TranscodeColumn[]): Transcoder {
  const layout = layOutColumns(columns);
  const cursor = makeCursor();
  const unfinished = makeUnfinishedRow();
  let rows = 0;

  /** Transcodes the row that began in earlier chunks, or earlier in this one, and ends in these bytes. */
  const transcodeRow = (lastPart: Uint8Array): number => {
    const { bytes, length } = unfinished.finish(lastPart);
    return transcodeBlocks(cursor, bytes, 0, length, layout);
  };

  return {
    push(chunk) {
      const end = chunk.lastIndexOf(newline) + 1;
      let start = 0;
      if (end > 0 && unfinished.length > 0) {
        start = chunk.indexOf(newline) + 1;
        rows += transcodeRow(chunk.subarray(0, start));
      }
      const slackStart = startOfSlack(chunk, start, end);
      rows += transcodeBlocks(cursor, chunk, start, slackStart, layout);
      if (slackStart < end) rows += transcodeRow(chunk.subarray(slackStart, end));
      unfinished.append(chunk.subarray(end));
      return cursor.written;
    },
    take(next = Buffer.allocUnsafeSlow(outputBytes)) {
      const lines = cursor.output.subarray(0, cursor.written);
      cursor.output = next;
      cursor.view = new DataView(next.buffer, next.byteOffset, next.byteLength);
      cursor.written = 0;
      return lines;
    },
    end() {
      if (unfinished.length > 0) throw new TerminalError(`the COPY broke off within row ${rows + 1}`);
      return { rows };
    },
  };
}

function makeCursor(): Cursor {
  const output = Buffer.allocUnsafeSlow(outputBytes);
  const view = new DataView(output.buffer);
  return { input: output, inputView: view, read: 0, output, view, written: 0 };
}

/** Where those of the rows in chunk[start, end) begin that have fewer than slackBytes behind them. */
function startOfSlack(chunk: Uint8Array, start: number, end: number): number {
  if (end + slackBytes <= chunk.length) return end;
  const lastEnd = chunk.length - slackBytes;
  return lastEnd <= 0 ? start : Math.max(start, chunk.lastIndexOf(newline, lastEnd - 1) + 1);
}

/** Transcodes the rows in input[start, end) after what the output holds already, and returns their number. */
function transcodeBlocks(
  cursor: Cursor,
  input: Uint8Array,
  start: number,
  end: number,
  layout: ColumnLayout,
): number {
  let rows = 0;
  cursor.input = input;
  cursor.inputView = new DataView(input.buffer, input.byteOffset, input.byteLength);
  cursor.read = start;
  while (cursor.read < end) {
    const blockLimit = cursor.read + blockBytes;
    const blockEnd = blockLimit >= end ? end : input.indexOf(newline, blockLimit) + 1;
    makeRoom(cursor, blockEnd - cursor.read, layout);
    rows += transcodeRows(cursor, blockEnd, layout);
  }
  return rows;
}

/** Makes the output large enough for the longest lines that a block of this many bytes can become. */
function makeRoom(cursor: Cursor, inputBytes: number, { rowOverheadBytes, kinds }: ColumnLayout): void {
  // A row has one tab or newline for each of its columns.
  const mostRows = Math.ceil(Math.min(inputBytes, blockBytes) / kinds.length) + 1;
  const neededBytes =
    cursor.written + inputBytes * longestEscapeBytes + mostRows * rowOverheadBytes + slackBytes;
  if (neededBytes <= cursor.output.length) return;
  const larger = new Uint8Array(2 * neededBytes);
  larger.set(cursor.output.subarray(0, cursor.written));
  cursor.output = larger;
  cursor.view = new DataView(larger.buffer);
}

/** The bytes of a row whose end has not arrived yet. */
interface UnfinishedRow {
  readonly length: number;
  append(part: Uint8Array): void;
  /**
   * Appends the row's last part, empties itself, and returns the row: bytes[0, length), with slackBytes behind them,
   * valid until the next append.
   */
  finish(part: Uint8Array): { bytes: Uint8Array; length: number };
}

function makeUnfinishedRow(): UnfinishedRow {
  let bytes = Buffer.allocUnsafe(1024);
  let length = 0;

  const append = (part: Uint8Array): void => {
    if (length + part.length + slackBytes > bytes.length) {
      // Twice as much each time: a row that arrives in many chunks is copied a few times, not once a chunk.
      const larger = Buffer.allocUnsafe(2 * (length + part.length) + slackBytes);
      larger.set(bytes.subarray(0, length));
      bytes = larger;
    }
    bytes.set(part, length);
    length += part.length;
  };

  return {
    get length() {
      return length;
    },
    append,
    finish(part) {
      append(part);
      const row = { bytes, length };
      length = 0;
      return row;
    },
  };
}
