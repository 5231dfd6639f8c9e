import { TerminalError } from '../../../shared/errors.ts';
import type { SourceType } from '../../../shared/model/define.ts';

/** One column of the COPY, in its order; name is the key in the JSON object. */
export interface TranscodeColumn {
  name: string;
  kind: JsonKind;
}

/** The kinds as small integers, for the inner loop. */
export const kindCode = { string: 0, number: 1, boolean: 2, timestamp: 3, timestamptz: 4 } as const;

/**
 * The columns as the inner loop reads them. A column's prefix is everything before its value:
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

/** `null` for `\N`, `false` for `f` and the minutes of an offset take less than this in any column. */
const columnOverheadBytes = 16;

/**
 * Lays the columns out for transcodeRows.
 *
 * @throws {TerminalError} there are no columns: COPY writes such a row as an empty line, which is
 *   indistinguishable from no row
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

/** As Postgres' escape_json writes a key: JSON.stringify escapes the same characters in any name. */
function quoteKey(name: string): string {
  return JSON.stringify(name);
}

/**
 * How a column is rendered. Apart from what is text here and not there, it is as row_to_json does it, in datum_to_json
 * of Postgres' src/backend/utils/adt/json.c:
 * - `string`: the type's text form, quoted and escaped
 * - `number`: NaN and the infinities are quoted
 * - `boolean`: true or false
 * - `timestamp`: without time zone, with a T between date and time
 * - `timestamptz`: the same, and an offset that always has its minutes
 */
export type JsonKind = 'string' | 'number' | 'boolean' | 'timestamp' | 'timestamptz';

/**
 * The kind of a column by the type that the model declares.
 *
 * A json value is a string, for it may hold newlines, and two values under one key. So are all values of 'other' types: they
 * travel as Postgres' own text. An oid, which row_to_json quotes, is a number.
 */
export function jsonKindOf(type: SourceType): JsonKind {
  switch (type) {
    case 'bool':
      return 'boolean';
    case 'timestamp':
    case 'timestamptz':
      return type;
    case 'varchar':
    case 'date':
    case 'time':
    case 'uuid':
    case 'bytea':
    case 'json':
    case 'jsonb':
    case 'other':
    case 'masked':
      return 'string';
    default:
      return 'number';
  }
}

/**
 * The settings of a session whose COPY text the transcoder reads, by name, for set_config or
 * `set local`. With other values the text of a timestamp, interval, float or bytea takes another form, or
 * loses digits, and the transcoder's output is no longer that of row_to_json.
 */
export const extractSessionSettings: Record<string, string> = {
  client_encoding: 'UTF8',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  extra_float_digits: '1',
  bytea_output: 'hex',
};
