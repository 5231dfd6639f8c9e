import { TerminalError } from '../../../shared/errors.ts';
import type { JsonKind } from './json-kind.ts';

/** One column of the COPY, in its order; name is the key in the JSON object. */
export interface TranscodeColumn {
  name: string;
  kind: JsonKind;
}

/** The kinds as small integers, for the inner loop. */
export const kindCode = { string: 0, number: 1, boolean: 2, timestamp: 3, timestamptz: 4, json: 5 } as const;

/**
 * The columns as the inner loop reads them. A column's prefix is all that stands before its value:
 * `{"name":` or `,"name":`, and the opening quote of a value that has one.
 */
export interface ColumnLayout {
  /** By column: see kindCode. */
  kinds: Uint8Array;
  /** By column: 1 when the prefix ends in the opening quote. */
  quotes: Uint8Array;
  /** The prefixes one after the other, each filled up to whole words of 4 bytes. */
  words: Uint32Array;
  /** By column: its first word. One more entry ends the last column. */
  wordStarts: Int32Array;
  /** By column: bytes of its prefix. */
  lengths: Int32Array;
  /** The most bytes that a row has over and above its values: prefixes, quotes, braces, newline. */
  rowOverheadBytes: number;
}

/** `null` for `\N`, `false` for `f` and the minutes of an offset come to less than this for any column. */
const columnOverheadBytes = 16;

/**
 * Lays the columns out for transcodeRows.
 *
 * @throws {TerminalError} there are no columns: COPY writes such a row as an empty line, JSON cannot tell
 *   it from nothing
 */
export function layOutColumns(columns: readonly TranscodeColumn[]): ColumnLayout {
  if (columns.length === 0) throw new TerminalError('cannot transcode rows without columns');
  const quotes = Uint8Array.from(columns, ({ kind }) => (isQuoted(kind) ? 1 : 0));
  const prefixes = columns.map(({ name, kind }, index) =>
    Buffer.from(`${index === 0 ? '{' : ','}${quoteKey(name)}:${isQuoted(kind) ? '"' : ''}`),
  );
  const lengths = Int32Array.from(prefixes, (prefix) => prefix.length);
  const wordStarts = new Int32Array(columns.length + 1);
  for (const [index, length] of lengths.entries()) {
    wordStarts[index + 1] = (wordStarts[index] as number) + Math.ceil(length / 4);
  }
  const bytes = Buffer.alloc((wordStarts.at(-1) as number) * 4);
  for (const [index, prefix] of prefixes.entries()) bytes.set(prefix, (wordStarts[index] as number) * 4);
  const words = Uint32Array.from({ length: bytes.length / 4 }, (_, word) => bytes.readUInt32LE(word * 4));
  return {
    kinds: Uint8Array.from(columns, ({ kind }) => kindCode[kind]),
    quotes,
    words,
    wordStarts,
    lengths,
    rowOverheadBytes: bytes.length + columns.length * columnOverheadBytes,
  };
}

function isQuoted(kind: JsonKind): boolean {
  return kind === 'string' || kind === 'timestamp' || kind === 'timestamptz';
}

/** As Postgres' escape_json writes a key: JSON.stringify's escapes are the same for all that a name can hold. */
function quoteKey(name: string): string {
  return JSON.stringify(name);
}
