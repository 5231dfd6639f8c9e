import type { WarehouseColumn } from '../../../shared/model/model.ts';
import { type ColumnType, isNumber, scaleOf, textOf, typeOids } from '../databases/postgres-types.ts';

/** What the values of a column's field are, in the source. */
export interface FieldValue {
  sql: string;
  type: ColumnType;
}

/**
 * SQL for the value that a warehouse column must hold, over a row of the source. No cast in it fails for one row: a value
 * that the warehouse cannot hold comes out as another text than any of the warehouse's.
 *
 * A text that is looked up stays as it is: the source's encoding may lack a character of what it becomes.
 */
export function writeValue(column: WarehouseColumn, field: FieldValue): string {
  const { sql, type } = field;
  switch (column.from.kind) {
    case 'field':
      return sameValue(column, field);
    case 'date of':
      return `${inUtc(field)}::date`;
    case 'time of':
      return `${inUtc(field)}::time`;
    // A text that is no date equals no date of the warehouse.
    case 'date':
    case 'text':
    case 'lookup':
      return textOf(sql, type);
    default:
      throw new Error(`${column.name} is made as '${column.from.kind}', which verify does not know`);
  }
}

const inUtc = ({ sql, type }: FieldValue): string =>
  type.oid === typeOids.timestamptz ? `(${sql} at time zone 'UTC')` : sql;

function sameValue({ type }: WarehouseColumn, { sql, type: found }: FieldValue): string {
  switch (type.name) {
    case 'smallint':
    case 'int':
    case 'bigint':
      // A numeric without a scale has zeros behind its point as they were written.
      return found.oid === typeOids.numeric ? `trim_scale(${sql})` : sql;
    case 'numeric':
      return scaleOf(found) === type.scale ? sql : withScale(sql, type.scale);
    case 'double precision':
      return found.oid === typeOids.float4 ? `${sql}::float8` : sql;
    case 'varchar':
    case 'text':
      return textOf(sql, found);
    case 'carried':
      return isNumber(found) ? carriedNumber(type.sql, sql, found) : sql;
    default:
      return sql;
  }
}

/** A number travels as its text, which has more digits than a cast from a float would keep. */
function carriedNumber(wanted: string, sql: string, found: ColumnType): string {
  const [isNumeric, scale] = /^numeric(?:\(\d+,(-?\d+)\))?$/.exec(wanted) ?? [];
  const number = found.oid === typeOids.numeric ? sql : `${sql}::text::numeric`;
  if (isNumeric === undefined) return sql;
  return scale === undefined || scaleOf(found) === Number(scale) ? number : withScale(number, Number(scale));
}

/**
 * A number as a column of so many decimals shows it: trailing zeros do not count, in a column without a scale (1.500 and
 * 1.5 are 1.50). A value with more digits keeps them all, so that it differs from what it would be rounded to.
 */
const withScale = (sql: string, scale: number): string =>
  `round(${sql}::numeric, greatest(scale(trim_scale(${sql}::numeric)), ${scale}))`;
