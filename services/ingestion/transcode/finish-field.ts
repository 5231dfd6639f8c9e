import { TerminalError } from '../../../shared/errors.ts';
import { kindCode } from './columns.ts';

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

const tab = 0x09;
const newline = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const quote = 0x22;
const plus = 0x2b;
const minus = 0x2d;
const capitalT = 0x54;
const backslash = 0x5c;

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
export function finishField(cursor: Cursor, kind: number, start: number): void {
  if (kind === kindCode.json) copyJson(cursor);
  else if (kind === kindCode.boolean) respell(cursor, start, ['t', 'f']);
  else if (kind === kindCode.number) respell(cursor, start, ['NaN', 'Infinity', '-Infinity']);
  else {
    if (kind === kindCode.string) copyEscaped(cursor);
    else markTime(cursor, start, kind === kindCode.timestamptz);
    cursor.output[cursor.written++] = quote;
  }
}

/** row_to_json spells booleans out, and quotes what is no JSON number. */
function respell(cursor: Cursor, start: number, spellings: readonly string[]): void {
  const { output, written } = cursor;
  const text = spellings.find(
    (each) => each.length === written - start && Buffer.from(each).equals(output.subarray(start, written)),
  );
  const spelled = text === undefined ? undefined : json[text];
  if (spelled === undefined) throw new TerminalError(`a value of the COPY is none of its column's type`);
  output.set(spelled, start);
  cursor.written = start + spelled.length;
}

/** `2022-11-03 14:20:52` becomes `2022-11-03T14:20:52`; infinity has no time, and ` BC` keeps its space. */
function markTime(cursor: Cursor, start: number, hasOffset: boolean): void {
  const { output, written } = cursor;
  // Years have 4 digits or more, so no space comes before the eleventh byte.
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
export function copyEscaped(cursor: Cursor): void {
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

/**
 * Copies the rest of a json value, COPY's escapes undone. A newline in JSON stands between tokens, never
 * in a string, and must not end a line of NDJSON: it becomes a space, the one place where the output is
 * not byte for byte row_to_json's.
 *
 * @throws {TerminalError} an escape that Postgres does not write
 */
export function copyJson(cursor: Cursor): void {
  const { input, output } = cursor;
  for (;;) {
    let byte = input[cursor.read] as number;
    if (byte === tab || byte === newline) return;
    if (byte === backslash) byte = readEscape(cursor);
    cursor.read++;
    output[cursor.written++] = byte === newline || byte === carriageReturn ? space : byte;
  }
}

/** Reads the byte that an escape means, and leaves the cursor on its last byte. */
function readEscape(cursor: Cursor): number {
  const byte = unescaped[cursor.input[++cursor.read] as number] as number;
  if (byte === 0) throw new TerminalError('an escape in the COPY is none that Postgres writes');
  return byte;
}
