import {
  Bool,
  type DataType,
  DateDay,
  Decimal,
  Field,
  Int32,
  Schema,
  TimeMicrosecond,
  Utf8,
} from 'apache-arrow';
import type { WarehouseType } from '../model/define.ts';
import type { WarehouseTable } from '../model/model.ts';

/** The Arrow type that holds a warehouse type exactly: date32, time64 in microseconds, decimal128. */
export function arrowTypeOf(type: WarehouseType): DataType {
  switch (type.name) {
    case 'int':
      return new Int32();
    case 'varchar':
      return new Utf8();
    case 'boolean':
      return new Bool();
    case 'date':
      return new DateDay();
    case 'time':
      return new TimeMicrosecond();
    case 'numeric':
      return new Decimal(type.scale, type.precision, 128);
  }
}

/** A warehouse table's columns in their order. A fact's surrogate key is not among them: the warehouse makes it. */
export const arrowSchemaOf = (table: WarehouseTable): Schema =>
  new Schema(table.columns.map(({ name, type, nullable }) => new Field(name, arrowTypeOf(type), nullable)));
