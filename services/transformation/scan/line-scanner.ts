import type { Dimension, Fact, SourceField } from '../../../shared/star-schema/assemble.ts';
import type { Batch } from '../rows/batch.ts';
import { dayAt, noDay, secondAt, unescapedAt } from './scan-bytes.ts';
import { type Target, valueCode } from './value-code.ts';

/**
 * Adds the rows of whole lines to the batch, up to the first line that is not exactly as an extract writes it
 * (keys in the model's order, no spaces, every value legal), or until the batch is full.
 *
 * The batch has room for all the text of the lines, and the bytes go on for slackBytes behind `to`.
 *
 * @returns where it stopped: the start of a line, or `to`
 */
export type LineScanner = (
  batch: Batch,
  bytes: Uint8Array,
  view: DataView,
  from: number,
  to: number,
) => number;

const scanners = new WeakMap<Dimension | Fact, LineScanner | undefined>();

/**
 * The scanner of a table's lines: one function that knows every key's bytes, so that a row costs no object, no string and
 * no branch on a type. It is many times as fast as the row reader.
 *
 * It is made once for a table, because each new function starts in V8's interpreter and has to be optimised.
 *
 * @returns undefined if a column is made in a way that is not scanned
 */
export function lineScannerOf(table: Dimension | Fact): LineScanner | undefined {
  if (!scanners.has(table)) scanners.set(table, makeLineScanner(table));
  return scanners.get(table);
}

function makeLineScanner(table: Dimension | Fact): LineScanner | undefined {
  const { fields } = table.source;
  const codes = fields.map((field, index) => fieldCode(table, field, index));
  if (codes.includes(undefined)) return undefined;
  const make = new Function(
    'dayAt',
    'secondAt',
    'noDay',
    'unescapedAt',
    scannerCode(table, codes.join('\n')),
  );
  return make(dayAt, secondAt, noDay, unescapedAt);
}

/** The scanner may compare a key, and read a date, beyond the end of the last line. */
export const slackBytes = (table: Dimension | Fact): number =>
  64 + Math.max(...table.source.fields.map(({ name }) => keyBytes(name, 1).length));

/** Only indexes name things in the code: a column's name gets into it only as the numbers of its bytes. */
const scannerCode = (table: Dimension | Fact, fieldCodes: string): string => `
return (batch, bytes, view, from, to) => {
  ${table.columns.map((_, index) => columnCode(index)).join('\n  ')}
  const maxRows = batch.maxRows;
  let row = batch.rows, p = from;
  while (p < to && row < maxRows) {
    const line = p;
    fits: {
      ${fieldCodes}
      // '}' and a newline.
      if (bytes[p] !== 125 || bytes[p + 1] !== 10) break fits;
      p += 2;
      row++;
      continue;
    }
    batch.rows = row;
    return line;
  }
  batch.rows = row;
  return p;
};`;

const columnCode = (index: number): string =>
  `const { words: words${index}, offsets: offsets${index}, bytes: bytes${index}, isValid: isValid${index} } = batch.columns[${index}];`;

function fieldCode(table: Dimension | Fact, field: SourceField, index: number): string | undefined {
  const targets: Target[] = table.columns
    .map((column, columnIndex) => ({ column, index: columnIndex }))
    .filter(({ column }) => column.from.field === field.name);
  const value = valueCode(field, targets);
  return value === undefined ? undefined : `${keyCode(field.name, index)}\n${value}`;
}

/** Compares a key four bytes at a time; the last comparison overlaps the one before. */
function keyCode(name: string, index: number): string {
  const key = keyBytes(name, index);
  const starts = Array.from({ length: Math.floor(key.length / 4) }, (_, word) => 4 * word);
  if (key.length % 4 !== 0) starts.push(key.length - 4);
  const differs = starts.map((at) => `view.getInt32(p + ${at}, true) !== ${key.readInt32LE(at)}`);
  return `if (${differs.join(' || ')}) break fits;\np += ${key.length};`;
}

/** The bytes before a value. row_to_json writes a key as JSON.stringify does. */
const keyBytes = (name: string, index: number): Buffer =>
  Buffer.from(`${index === 0 ? '{' : ','}${JSON.stringify(name)}:`);
