import {
  type Data,
  DataType,
  Int64,
  makeData,
  RecordBatch,
  Struct,
  type Timestamp,
  vectorFromArray,
} from 'apache-arrow';
import type { WarehouseType } from '../../../shared/model/define.ts';
import type { WarehouseTable } from '../../../shared/model/model.ts';
import { arrowSchemaOf } from '../../../shared/parquet/arrow-schema.ts';

/** A row whose values are Postgres' text, so that a test reads back what it wrote down. */
export type TextRow = Record<string, string | null>;

const day = 86_400_000;

/** Rows as the record batch that the load reads out of a Parquet object. */
export function toBatch(table: WarehouseTable, rows: readonly TextRow[]): RecordBatch {
  const schema = arrowSchemaOf(table);
  const children = table.columns.map(({ name, type }, index) => {
    const arrowType = schema.fields[index]?.type as DataType;
    const values = rows.map((row) => toArrow(type, row[name] ?? null));
    return DataType.isTimestamp(arrowType) ? timestampData(values, arrowType) : dataOf(values, arrowType);
  });
  return new RecordBatch(
    schema,
    makeData({ type: new Struct(schema.fields), length: rows.length, nullCount: 0, children }),
  );
}

const dataOf = (values: unknown[], type: DataType): Data =>
  vectorFromArray(values, type).data[0] ?? makeData({ type });

/** Arrow's builder makes timestamps of milliseconds. */
function timestampData(values: unknown[], type: Timestamp): Data {
  const { length, nullCount, nullBitmap, values: data } = dataOf(values, new Int64());
  return makeData({ type, length, nullCount, nullBitmap, data });
}

function toArrow(type: WarehouseType, text: string | null): unknown {
  if (text === null) return null;
  switch (type.name) {
    case 'smallint':
    case 'int':
    case 'real':
    case 'double precision':
      return Number(text);
    case 'bigint':
      return BigInt(text);
    case 'varchar':
    case 'text':
    case 'uuid':
    case 'json':
    case 'jsonb':
    case 'carried':
      return text;
    case 'bytea':
      return Buffer.from(text.slice(2), 'hex');
    case 'timestamp':
    case 'timestamptz':
      return microsecondsSince1970(text);
    case 'boolean':
      return text === 'true';
    case 'date':
      return Math.round(Date.parse(`${text}T00:00:00Z`) / day) * day;
    case 'time':
      return microseconds(text);
    case 'numeric':
      return decimal128(BigInt(text.replace('.', '')));
  }
}

/** @param text `YYYY-MM-DD HH:MM:SS.ffffff`, or the same and `+00` */
function microsecondsSince1970(text: string): bigint {
  if (text === 'infinity') return 2n ** 63n - 1n;
  if (text === '-infinity') return -(2n ** 63n);
  const [date = '', time = ''] = text.replace('+00', '').split(' ');
  return BigInt(Date.parse(`${date}T00:00:00Z`)) * 1000n + microseconds(time);
}

/** @param text HH:MM:SS.ffffff */
function microseconds(text: string): bigint {
  const [hours = '', minutes = '', seconds = '', fraction = ''] = text.split(/[:.]/);
  const wholeSeconds = BigInt(hours) * 3600n + BigInt(minutes) * 60n + BigInt(seconds);
  return wholeSeconds * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
}

const decimal128 = (value: bigint): Uint32Array =>
  Uint32Array.from([0n, 32n, 64n, 96n], (shift) => Number((value >> shift) & 0xffff_ffffn));
