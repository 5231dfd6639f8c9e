import type pg from 'pg';

/** A type as a server describes a column of a result: of a domain it names the type below. */
export interface ColumnType {
  oid: number;
  /** Of a numeric, its precision and scale; -1 for none. */
  modifier: number;
}

/** Oids of built-in types are fixed: src/include/catalog/pg_type.dat of Postgres. */
export const typeOids = { money: 790, numeric: 1700, float4: 700, timestamptz: 1184 } as const;

const integers = [21, 23, 20, 26];
const floats: readonly number[] = [typeOids.float4, 701];
const numbers = [...integers, typeOids.numeric, ...floats];
const uuid = 2950;

/** date, time, timestamp and timestamptz. */
const moments: readonly number[] = [1082, 1083, 1114, typeOids.timestamptz];
/** bytea, text, json, varchar and jsonb. */
const others = [17, 25, 114, 1043, 3802];

/**
 * Types whose text is what their output function writes. Others have a cast of their own: an inet's adds its netmask, a
 * char(n)'s drops the padding, which does not belong to the value.
 */
const plainOids = new Set([...numbers, uuid, ...moments, ...others]);

/** Types that Postgres cannot order. */
const unordered = new Set([114]);

export const isInteger = ({ oid }: ColumnType): boolean => integers.includes(oid);
export const isFloat = ({ oid }: ColumnType): boolean => floats.includes(oid);
export const isMoment = ({ oid }: ColumnType): boolean => moments.includes(oid);
export const isNumber = ({ oid }: ColumnType): boolean => numbers.includes(oid);
/** Whether textOf writes a number: of money it does, which the warehouse has as a numeric. */
export const isWrittenAsNumber = (type: ColumnType): boolean => isNumber(type) || type.oid === typeOids.money;
export const isUuid = ({ oid }: ColumnType): boolean => oid === uuid;

/** The scale of a numeric; undefined of one without, and of other types. */
export function scaleOf({ oid, modifier }: ColumnType): number | undefined {
  // make_numeric_typmod in src/backend/utils/adt/numeric.c; a scale has 11 bits and may be negative.
  if (oid !== typeOids.numeric || modifier < 0) return undefined;
  return (((modifier - 4) & 0x7ff) ^ 1024) - 1024;
}

/** SQL for a value as text. Money is a number first: its text depends on the locale of the server. */
export const textOf = (sql: string, { oid }: ColumnType): string =>
  oid === typeOids.money ? `${sql}::numeric::text` : `${sql}::text`;

/** The same within `row(…)`, which writes the text of most types by itself, in less time. */
export const inRow = (sql: string, type: ColumnType): string =>
  plainOids.has(type.oid) ? sql : textOf(sql, type);

/** SQL to order rows by, where both servers need not order alike. */
export const anyOrder = (sql: string, type: ColumnType): string =>
  plainOids.has(type.oid) && !unordered.has(type.oid) ? sql : textOf(sql, type);

/** The types of a query's columns, from a server that reads no row for it. */
export async function describeColumns(
  client: pg.Client,
  query: string,
): Promise<(ColumnType & { name: string })[]> {
  const { fields } = await client.query(`${query} limit 0`);
  return fields.map(({ name, dataTypeID, dataTypeModifier }) => ({
    name,
    oid: dataTypeID,
    modifier: dataTypeModifier,
  }));
}

/** Both servers write values alike under these settings, and pg asks for UTF8. */
export const renderSettings = `
  set local datestyle = 'ISO, YMD';
  set local intervalstyle = 'postgres';
  set local timezone = 'UTC';
  set local extra_float_digits = 1;
  set local bytea_output = 'hex';
  set local xmloption = 'content';`;
