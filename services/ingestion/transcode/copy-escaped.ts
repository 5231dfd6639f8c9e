import { TerminalError } from '../../../shared/errors.ts';
import type { Cursor } from './transcode-rows.ts';

const tab = 0x09;
const newline = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const quote = 0x22;
const backslash = 0x5c;

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
