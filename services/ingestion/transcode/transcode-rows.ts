import { TerminalError } from '../../../shared/errors.ts';
import { type ColumnLayout, kindCode } from './columns.ts';

/** The loops read up to this many bytes behind the rows, and write up to this many behind the lines. */
export const slackBytes = 3;

const tab = 0x09;
const newline = 0x0a;
const space = 0x20;
const quote = 0x22;
const plus = 0x2b;
const minus = 0x2d;
const nine = 0x39;
const capitalN = 0x4e;
const capitalT = 0x54;
const backslash = 0x5c;
const closingBrace = 0x7d;
/** Of a year of four digits: the time stands behind a space. */
const dateBytes = 10;

/**
 * Transcodes the rows between cursor.read and end, and moves the cursor past them. end must follow a
 * newline: it is the only bound at which the loops below stop.
 *
 * Prefixes and values are copied in words of 4 bytes, which is faster than a loop over bytes, and than `set` for
 * prefixes. A word may overshoot by 3 bytes; what is written next overwrites them.
 *
 * @returns the number of rows
 * @throws {TerminalError} a row has more or fewer columns than the layout, or a value is not of its kind
 */
export function transcodeRows(cursor: Cursor, end: number, layout: ColumnLayout): number {
  const { input, inputView, output, view } = cursor;
  const { kinds, quotes, lengths } = layout;
  const columns = kinds.length;
  let { read, written } = cursor;
  let rows = 0;
  for (; read < end; rows++) {
    for (let column = 0; column < columns; column++) {
      writePrefix(view, written, layout, column);
      const start = written + (lengths[column] as number);
      written = start;
      const kind = kinds[column];
      const terminator = column === columns - 1 ? newline : tab;
      let special = 0;
      for (; special === 0; read += 4, written += 4) {
        const word = inputView.getInt32(read, true);
        view.setInt32(written, word, true);
        special = specialBytes(word);
      }
      const bytesFromSpecial = (Math.clz32(special & -special) >> 3) + 1;
      read -= bytesFromSpecial;
      written -= bytesFromSpecial;
      const byte = input[read] as number;
      if (byte === terminator && kind === kindCode.string) {
        output[written++] = quote;
      } else if (byte === terminator && kind === kindCode.number && (output[written - 1] as number) <= nine) {
        // A number that ends in a digit is one: NaN and the infinities end in letters.
      } else if (byte === terminator && kind === kindCode.timestamp && output[start + dateBytes] === space) {
        // For infinity this byte lies behind the value, and is overwritten by what follows.
        output[start + dateBytes] = capitalT;
        output[written++] = quote;
      } else if (byte === backslash && input[read + 1] === capitalN && written === start) {
        written = writeNull(output, start - (quotes[column] as number));
        read += 2;
      } else {
        cursor.read = read;
        cursor.written = written;
        finishField(cursor, kind as number, start);
        read = cursor.read;
        written = cursor.written;
      }
      if (input[read] !== terminator) throw wrongShape(columns);
      read++;
    }
    output[written++] = closingBrace;
    output[written++] = newline;
  }
  cursor.read = read;
  cursor.written = written;
  return rows;
}

/**
 * Marks the bytes of a word that are not copied as they are: those below a space, quotes and backslashes. The lowest
 * mark, the highest bit of its byte, is right; what is above it may not be.
 *
 * @see https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord
 */
function specialBytes(word: number): number {
  const quotes = word ^ 0x22222222;
  const backslashes = word ^ 0x5c5c5c5c;
  const marks =
    ((word - 0x20202020) & ~word) |
    ((quotes - 0x01010101) & ~quotes) |
    ((backslashes - 0x01010101) & ~backslashes);
  return marks & 0x80808080;
}

function writePrefix(view: DataView, at: number, { words, wordStarts }: ColumnLayout, column: number): void {
  const end = wordStarts[column + 1] as number;
  let to = at;
  for (let word = wordStarts[column] as number; word < end; word++, to += 4) {
    view.setUint32(to, words[word] as number, true);
  }
}

function writeNull(output: Uint8Array, at: number): number {
  output[at] = 0x6e;
  output[at + 1] = 0x75;
  output[at + 2] = 0x6c;
  output[at + 3] = 0x6c;
  return at + 4;
}

function wrongShape(columns: number): TerminalError {
  return new TerminalError(`a row of the COPY does not have exactly ${columns} columns`);
}

/** Where the transcoder reads and writes. The output must have room: nothing here looks for its end. */
export interface Cursor {
  input: Uint8Array;
  /** The same memory as input. */
  inputView: DataView;
  read: number;
  output: Uint8Array<ArrayBuffer>;
  /** The same memory as output. */
  view: DataView;
  written: number;
}

const minutes = Buffer.from(':00');
const json: Record<string, Buffer> = {
  t: Buffer.from('true'),
  f: Buffer.from('false'),
  NaN: Buffer.from('"NaN"'),
  Infinity: Buffer.from('"Infinity"'),
  '-Infinity': Buffer.from('"-Infinity"'),
};

/**
 * Finishes a value that is more than plain bytes: one that needs escapes, or whose form in JSON is not
 * that in COPY. Its plain bytes up to cursor.read are already in the output, from start on.
 *
 * @throws {TerminalError} the value is not of its kind
 */
function finishField(cursor: Cursor, kind: number, start: number): void {
  if (kind === kindCode.boolean) respell(cursor, start, ['t', 'f']);
  else if (kind === kindCode.number) respell(cursor, start, ['NaN', 'Infinity', '-Infinity']);
  else {
    if (kind === kindCode.string) copyEscaped(cursor);
    else markTime(cursor, start, kind === kindCode.timestamptz);
    cursor.output[cursor.written++] = quote;
  }
}

/** row_to_json spells booleans out, and quotes what is not a JSON number. */
function respell(cursor: Cursor, start: number, spellings: readonly string[]): void {
  const { output, written } = cursor;
  const text = spellings.find(
    (each) => each.length === written - start && Buffer.from(each).equals(output.subarray(start, written)),
  );
  const spelled = text === undefined ? undefined : json[text];
  if (spelled === undefined) throw new TerminalError(`a value of the COPY is not of its column's type`);
  output.set(spelled, start);
  cursor.written = start + spelled.length;
}

/** `2022-11-03 14:20:52` becomes `2022-11-03T14:20:52`; infinity has no time, and ` BC` keeps its space. */
function markTime(cursor: Cursor, start: number, hasOffset: boolean): void {
  const { output, written } = cursor;
  // Years have 4 digits or more, so no space stands before the eleventh byte.
  let at = start + 10;
  while (at < written && output[at] !== space) at++;
  if (at >= written) return;
  output[at] = capitalT;
  if (hasOffset) completeOffset(cursor, at);
}

/** COPY leaves the minutes of an offset out when they are 0, row_to_json does not: +00 becomes +00:00. */
function completeOffset(cursor: Cursor, timeStart: number): void {
  const { output, written } = cursor;
  let sign = timeStart;
  while (sign < written && output[sign] !== plus && output[sign] !== minus) sign++;
  const offsetEnd = sign + 3;
  if (offsetEnd < written && output[offsetEnd] !== space) return;
  output.copyWithin(offsetEnd + minutes.length, offsetEnd, written);
  output.set(minutes, offsetEnd);
  cursor.written = written + minutes.length;
}

/**
 * By the byte behind a backslash: the byte that COPY text means. 0 for all that a server never writes
 * (CopyAttributeOutText in Postgres' src/backend/commands/copyto.c).
 */
const unescaped = new Uint8Array(256);
for (const [letter, value] of ['b\b', 'f\f', 'n\n', 'r\r', 't\t', 'v\v', '\\\\'].map((pair) =>
  Buffer.from(pair),
)) {
  unescaped[letter as number] = value as number;
}

/**
 * By byte: its escape in a JSON string, as JSON.stringify and Postgres' escape_json both write it;
 * undefined for what stands for itself.
 */
const jsonEscapes = Array.from({ length: 128 }, (_, byte) => {
  const text = JSON.stringify(String.fromCharCode(byte)).slice(1, -1);
  return text.length > 1 ? Buffer.from(text) : undefined;
});

/**
 * Copies the rest of a string value, COPY's escapes undone and JSON's made. Stops before the tab or
 * newline that ends the value.
 *
 * @throws {TerminalError} an escape that Postgres does not write
 */
function copyEscaped(cursor: Cursor): void {
  const { input, output } = cursor;
  for (;;) {
    let byte = input[cursor.read] as number;
    if (byte === tab || byte === newline) return;
    if (byte === backslash) byte = readEscape(cursor);
    cursor.read++;
    if (byte >= space && byte !== quote && byte !== backslash) output[cursor.written++] = byte;
    else {
      const escaped = jsonEscapes[byte] as Buffer;
      output.set(escaped, cursor.written);
      cursor.written += escaped.length;
    }
  }
}

/** Reads the byte that an escape means, and leaves the cursor on its last byte. */
function readEscape(cursor: Cursor): number {
  const byte = unescaped[cursor.input[++cursor.read] as number] as number;
  if (byte === 0) throw new TerminalError('the COPY has an escape that Postgres never writes');
  return byte;
}
