import { TerminalError } from '../../../shared/errors.ts';

/** One column of the COPY, in its order; name is the key in the JSON object. */
export interface TranscodeColumn {
  name: string;
  kind: JsonKind;
}

/** The kinds as small integers, for the inner loop. */
export const kindCode = { string: 0, number: 1, boolean: 2, timestamp: 3, timestamptz: 4, json: 5 } as const;

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
 * How row_to_json renders a column, from datum_to_json in Postgres' src/backend/utils/adt/json.c:
 * - `string`: the type's text form, quoted and escaped (text, varchar, char, date, time, uuid, enums, …)
 * - `number`: int2, int4, int8, float4, float8, numeric; NaN and the infinities are quoted
 * - `boolean`: true or false
 * - `timestamp`: without time zone, with a T between date and time
 * - `timestamptz`: the same, and an offset that always has its minutes
 * - `json`: json and jsonb, as they are
 */
export type JsonKind = 'string' | 'number' | 'boolean' | 'timestamp' | 'timestamptz' | 'json';

/** Type oids are fixed for the built-in types: src/include/catalog/pg_type.dat. */
const typeOids: Record<JsonKind, readonly number[]> = {
  number: [21, 23, 20, 700, 701, 1700], // int2 int4 int8 float4 float8 numeric
  boolean: [16],
  timestamp: [1114],
  timestamptz: [1184],
  json: [114, 3802], // json jsonb
  string: [
    ...[25, 1043, 1042, 18, 19], // text varchar bpchar "char" name
    ...[1082, 1083, 1266, 1186], // date time timetz interval
    ...[2950, 17, 26, 790], // uuid bytea oid money
    ...[869, 650, 829, 774, 1560, 1562], // inet cidr macaddr macaddr8 bit varbit
  ],
};

const kinds = new Map(
  Object.entries(typeOids).flatMap(([kind, oids]) => oids.map((oid) => [oid, kind as JsonKind] as const)),
);

/**
 * The kind of a built-in scalar type, by its oid in pg_type.
 *
 * Undefined for arrays and composites, which the transcoder cannot carry, and for every user-defined
 * type, whose oid differs from database to database: there an enum (pg_type.typtype 'e') is a `string`,
 * and a domain ('d') is what its base type is.
 */
export function jsonKindOf(typeOid: number): JsonKind | undefined {
  return kinds.get(typeOid);
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
