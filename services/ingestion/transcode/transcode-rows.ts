import { TerminalError } from '../../../shared/errors.ts';
import { type ColumnLayout, kindCode } from './columns.ts';
import { type Cursor, finishField } from './finish-field.ts';

/** This many bytes after the rows are read, whatever they hold, and this many after the lines are written. */
export const slackBytes = 3;

const tab = 0x09;
const newline = 0x0a;
const space = 0x20;
const quote = 0x22;
const nine = 0x39;
const backslash = 0x5c;
const capitalN = 0x4e;
const capitalT = 0x54;
/** Of a year of four digits: the time stands behind a space. */
const dateBytes = 10;
const closingBrace = 0x7d;

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
        // Of infinity this is behind the value, where the next thing comes.
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
