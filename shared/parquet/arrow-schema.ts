import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  Decimal,
  Field,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Schema,
  TimeMicrosecond,
  TimestampMicrosecond,
  Utf8,
} from 'apache-arrow';
import type { WarehouseType } from '../model/define.ts';
import type { WarehouseTable } from '../model/model.ts';

/** The Arrow type that holds a warehouse type exactly; microseconds for times and timestamps, text for most others. */
export function arrowTypeOf(type: WarehouseType): DataType {
  switch (type.name) {
    case 'smallint':
      return new Int16();
    case 'int':
      return new Int32();
    case 'bigint':
      return new Int64();
    case 'real':
      return new Float32();
    case 'double precision':
      return new Float64();
    case 'boolean':
      return new Bool();
    case 'date':
      return new DateDay();
    case 'time':
      return new TimeMicrosecond();
    case 'timestamp':
      return new TimestampMicrosecond();
    case 'timestamptz':
      return new TimestampMicrosecond('UTC');
    case 'numeric':
      return new Decimal(type.scale, type.precision, 128);
    case 'bytea':
      return new Binary();
    case 'varchar':
    case 'text':
    case 'uuid':
    case 'json':
    case 'jsonb':
    case 'carried':
      return new Utf8();
  }
}

/** A warehouse table's columns in their order. A fact's surrogate key is not among them: the warehouse makes it. */
export const arrowSchemaOf = (table: WarehouseTable): Schema =>
  new Schema(table.columns.map(({ name, type, nullable }) => new Field(name, arrowTypeOf(type), nullable)));
