import { isUtf8 } from 'node:buffer';
import type { Dimension, Fact, WarehouseColumn } from '../../../shared/star-schema/assemble.ts';
import { isColumnFitting } from '../../../shared/star-schema/column-fit.ts';
import { currencyNameOf } from '../../../shared/star-schema/currency-name.ts';
import type { Batch } from './batch.ts';
import { JsonNumber, parseJsonLine } from './json-line.ts';
import { type Reason, storeValue } from './store-value.ts';

/** What is wrong with a row; the column is null if the line is not a row at all. */
export interface Fault {
  column: string | null;
  reason: Reason;
  /** The source's business key, if the line shows one. */
  key: number | string | null;
}

export interface RowReader {
  /** Adds a line's row to the batch, or returns what is wrong with it. The line comes without its newline. */
  read(batch: Batch, line: Uint8Array): Fault | undefined;
  /** Currency codes outside ISO 4217 among the rows that were read. */
  unknownCurrencies: ReadonlySet<string>;
}

/**
 * Reads rows by JSON.parse, in any order of keys and with any escapes: the definition of what a legal row is,
 * which the scanner follows for the lines that it knows.
 *
 * A field that no column is made from must be there; its value does not matter.
 */
export function makeRowReader(table: Dimension | Fact): RowReader {
  const { fields, key } = table.source;
  const fieldNames = new Set(fields.map(({ name }) => name));
  const unknownCurrencies = new Set<string>();
  // A text does not show its type: a timestamp, say, would land in a varchar in a form that no cast would write.
  const misfit = findMisfit(table);

  const findFault = (batch: Batch, row: Map<string, unknown>): Omit<Fault, 'key'> | undefined => {
    for (const name of fieldNames) if (!row.has(name)) return { column: name, reason: 'is missing' };
    for (const name of row.keys()) {
      if (!fieldNames.has(name)) return { column: name, reason: 'is not in the model' };
    }
    if (misfit !== undefined) {
      return { column: misfit.from.field, reason: `is not of a type that ${misfit.name} is made of` };
    }
    for (const [index, buffer] of batch.columns.entries()) {
      const from = table.columns[index]?.from;
      if (from === undefined) continue;
      const value = row.get(from.field);
      const reason = storeValue(buffer, batch.rows, value, from.kind);
      if (reason !== undefined) return { column: from.field, reason };
      if (from.kind === 'currency name' && typeof value === 'string' && currencyNameOf(value) === undefined) {
        unknownCurrencies.add(value);
      }
    }
    return undefined;
  };

  return {
    unknownCurrencies,
    read(batch, line) {
      if (!isUtf8(line)) return { column: null, reason: 'the line is not UTF-8', key: null };
      const row = parseJsonLine(Buffer.from(line.buffer, line.byteOffset, line.length).toString());
      if (row === undefined) return { column: null, reason: 'the line is no JSON object', key: null };
      const fault = findFault(batch, row);
      if (fault !== undefined) return { ...fault, key: toKey(row.get(key)) };
      batch.rows++;
      return undefined;
    },
  };
}

const findMisfit = ({ source, columns }: Dimension | Fact): WarehouseColumn | undefined =>
  columns.find((column) => {
    const field = source.fields.find(({ name }) => name === column.from.field);
    return field === undefined || !isColumnFitting(field.type, column);
  });

function toKey(value: unknown): number | string | null {
  if (typeof value === 'string') return value;
  if (!(value instanceof JsonNumber)) return null;
  const number = Number(value.digits);
  return Number.isSafeInteger(number) ? number : value.digits;
}
