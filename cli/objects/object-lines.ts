import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import type { RecordBatch, Schema } from 'apache-arrow';
import type { IngestedKey, ObjectKey, ProcessedKey } from '../../shared/object-store/object-key.ts';
import { readAnyParquet } from '../../shared/parquet/read-parquet.ts';
import { makeReader } from './arrow-text.ts';

/** The rows of an object as lines of JSON: an ingested object has them, a Parquet object's are written alike. */
export interface ObjectLines {
  /** How many there are. */
  count: number;
  /** The first lines, or all of them. */
  take(limit?: number): Generator<string>;
  /**
   * Finds a row.
   *
   * @param wanted texts of fields, each in all the forms that it may have
   * @returns its number from 1, and its line
   */
  find(wanted: readonly WantedField[]): FoundLine | undefined;
}

export interface WantedField {
  field: string;
  texts: readonly string[];
}

export interface FoundLine {
  line: number;
  text: string;
}

/**
 * Reads an object of either zone.
 *
 * @throws {TerminalError} the bytes are not a whole Parquet file
 * @throws {Error} they are not whole zstd
 */
export async function readObjectLines(key: ObjectKey, name: string, body: Uint8Array): Promise<ObjectLines> {
  return key.zone === 'ingested' ? readNdjson(key, body) : readParquetLines(key, name, body);
}

const lineEnd = 0x0a;

/** An object is up to 64 MiB of text: one buffer takes it, so no parts are joined. Memory that is not written costs nothing. */
const chunkSize = 64 * 2 ** 20;

async function readNdjson(_key: IngestedKey, body: Uint8Array): Promise<ObjectLines> {
  const text = await promisify(zstdDecompress)(body, { chunkSize });
  return {
    count: countLines(text),
    *take(limit = Number.POSITIVE_INFINITY) {
      let start = 0;
      for (let line = 0; line < limit && start < text.length; line++) {
        const end = endOfLine(text, start);
        yield text.toString('utf8', start, end);
        start = end + 1;
      }
    },
    find: (wanted) => findInText(text, wanted),
  };
}

const endOfLine = (text: Buffer, start: number): number => {
  const end = text.indexOf(lineEnd, start);
  return end < 0 ? text.length : end;
};

function countLines(text: Buffer): number {
  let count = 0;
  for (let at = text.indexOf(lineEnd); at >= 0; at = text.indexOf(lineEnd, at + 1)) count++;
  return text.length > 0 && text.at(-1) !== lineEnd ? count + 1 : count;
}

/** Without a parser: within a string no quote stands bare, so a field's name in quotes and a colon is that field. */
function findInText(text: Buffer, wanted: readonly WantedField[]): FoundLine | undefined {
  const [first, ...others] = wanted;
  if (first === undefined) return undefined;
  for (const token of tokensOf(first)) {
    for (let at = text.indexOf(token); at >= 0; at = text.indexOf(token, at + 1)) {
      const start = text.lastIndexOf(lineEnd, at) + 1;
      const line = text.toString('utf8', start, endOfLine(text, start));
      const isWhole = [',', '}'].includes(String.fromCharCode(text[at + Buffer.byteLength(token)] ?? 0));
      if (isWhole && others.every((field) => hasField(line, field)))
        return { line: countLines(text.subarray(0, start)) + 1, text: line };
    }
  }
  return undefined;
}

const hasField = (line: string, field: WantedField): boolean =>
  tokensOf(field).some((token) => line.includes(`${token},`) || line.includes(`${token}}`));

const tokensOf = ({ field, texts }: WantedField): string[] =>
  texts.flatMap((text) => {
    const isNumber = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) || text === 'true' || text === 'false';
    const name = JSON.stringify(field);
    return [...(isNumber ? [`${name}:${text}`] : []), `${name}:${JSON.stringify(text)}`];
  });

async function readParquetLines(
  { table }: ProcessedKey,
  key: string,
  body: Uint8Array,
): Promise<ObjectLines> {
  const { schema, batches } = await readAnyParquet({ table, key }, body);
  return {
    count: batches.reduce((sum, { numRows }) => sum + numRows, 0),
    *take(limit = Number.POSITIVE_INFINITY) {
      let left = limit;
      for (const batch of batches) {
        const write = makeWriter(schema, batch);
        for (let row = 0; row < batch.numRows && left > 0; row++, left--) yield write(row);
      }
    },
    find: (wanted) => findInBatches(schema, batches, wanted),
  };
}

function findInBatches(
  schema: Schema,
  batches: readonly RecordBatch[],
  wanted: readonly WantedField[],
): FoundLine | undefined {
  let before = 0;
  for (const batch of batches) {
    const matches = wanted.map(({ field, texts }) => {
      const data = batch.data.children[schema.fields.findIndex(({ name }) => name === field)];
      if (data === undefined) return () => false;
      const read = makeReader(data);
      return (row: number) => data.getValid(row) && texts.includes(read(row).text);
    });
    for (let row = 0; row < batch.numRows; row++) {
      if (matches.length > 0 && matches.every((isSame) => isSame(row)))
        return { line: before + row + 1, text: makeWriter(schema, batch)(row) };
    }
    before += batch.numRows;
  }
  return undefined;
}

function makeWriter({ fields }: Schema, batch: RecordBatch): (row: number) => string {
  const columns = fields.flatMap(({ name }, index) => {
    const data = batch.data.children[index];
    return data === undefined ? [] : [{ name: JSON.stringify(name), data, read: makeReader(data) }];
  });
  return (row) => {
    const members = columns.map(({ name, data, read }) => {
      if (!data.getValid(row)) return `${name}:null`;
      const { text, isString } = read(row);
      return `${name}:${isString ? JSON.stringify(text) : text}`;
    });
    return `{${members.join(',')}}`;
  };
}
