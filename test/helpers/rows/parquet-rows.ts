import { parquetMetadata, parquetReadObjects, type SchemaElement } from 'hyparquet';

export type Cell = string | number | boolean | null;
export type ParquetRow = Record<string, Cell>;

/**
 * A Parquet file's rows as another reader sees them: dates as 'YYYY-MM-DD', times as 'HH:MM:SS.ffffff', timestamps as both,
 * decimals and 64-bit integers as their digits, bytes as hex. hyparquet would make Dates and floating-point numbers of these, so it is shown a schema without
 * the logical types, and they are applied here to the plain integers.
 */
export async function readParquetRows(parquet: Uint8Array): Promise<ParquetRow[]> {
  const buffer = new Uint8Array(parquet).buffer;
  const elements = new Map(parquetMetadata(buffer).schema.map((element) => [element.name, element]));
  const metadata = parquetMetadata(buffer);
  metadata.schema = metadata.schema.map((element) =>
    element.type === 'BYTE_ARRAY' ? element : withoutLogicalType(element),
  );
  // hyparquet's own decoder drops a byte order mark.
  const parsers = {
    stringFromBytes: (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString(),
  };
  const rows = await parquetReadObjects({ file: buffer, metadata, parsers, utf8: false });
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, toCell(value, elements.get(name))])),
  );
}

/** Each column's type as the file's schema says it, such as `INT64 DECIMAL(12,2)?`, the `?` for nullable. */
export function readParquetTypes(parquet: Uint8Array): Record<string, string> {
  const [, ...columns] = parquetMetadata(new Uint8Array(parquet).buffer).schema;
  return Object.fromEntries(
    columns.map(({ name, type, converted_type: converted, precision, scale, repetition_type }) => {
      const logical =
        converted === 'DECIMAL' ? ` DECIMAL(${precision},${scale})` : converted ? ` ${converted}` : '';
      return [name, `${type}${logical}${repetition_type === 'OPTIONAL' ? '?' : ''}`];
    }),
  );
}

function withoutLogicalType({ converted_type: _converted, logical_type: _logical, ...rest }: SchemaElement) {
  return rest;
}

function toCell(value: unknown, element: SchemaElement | undefined): Cell {
  if (value === null || value === undefined) return null;
  switch (element?.converted_type) {
    case 'DATE':
      return toDate(Number(value));
    case 'TIME_MICROS':
      return toTime(BigInt(value as bigint));
    case 'TIMESTAMP_MICROS':
      return toTimestamp(BigInt(value as bigint));
    case 'DECIMAL':
      return toDecimal(
        value instanceof Uint8Array ? bigEndian(value) : BigInt(value as bigint),
        element.scale ?? 0,
      );
    default:
      if (typeof value === 'bigint') return String(value);
      return value instanceof Uint8Array ? `\\x${Buffer.from(value).toString('hex')}` : (value as Cell);
  }
}

function toTimestamp(micros: bigint): string {
  if (micros === 2n ** 63n - 1n) return 'infinity';
  if (micros === -(2n ** 63n)) return '-infinity';
  const ofDay = ((micros % 86_400_000_000n) + 86_400_000_000n) % 86_400_000_000n;
  return `${toDate(Number((micros - ofDay) / 86_400_000_000n))} ${toTime(ofDay)}`;
}

/** JavaScript's clock does not have all years, and cannot hold infinity. */
const toDate = (day: number): string =>
  Math.abs(day) < 100_000_000 ? new Date(day * 86_400_000).toISOString().slice(0, 10) : `${day} days`;

function toTime(micros: bigint): string {
  if (micros === 86_400_000_000n) return '24:00:00.000000';
  const wholeSeconds = new Date(Number(micros / 1_000_000n) * 1000).toISOString().slice(11, 19);
  return `${wholeSeconds}.${String(micros % 1_000_000n).padStart(6, '0')}`;
}

function toDecimal(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return `${unscaled < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`;
}

function bigEndian(bytes: Uint8Array): bigint {
  return BigInt.asIntN(8 * bytes.length, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
}
