import type { ColumnDefinition, Derivation, SourceType, WarehouseType } from './define.ts';

/** One of the functions of define.ts that make a warehouse column. */
interface Builder {
  name: string;
  /** The source types whose text it reads, for a message. */
  takes: string;
  isOf(column: Pick<ColumnDefinition, 'type' | 'from'>): boolean;
  fits(type: SourceType): boolean;
}

const isWholeNumber = (type: SourceType): boolean =>
  ['int2', 'int4', 'int8', 'oid'].includes(type) || /^numeric\(\d+,0\)$/.test(type);
const isNumber = (type: SourceType): boolean => isWholeNumber(type) || type.startsWith('numeric');
const isText = (type: SourceType): boolean => type === 'varchar';
const isAny = (): boolean => true;
const isPlainText = (type: SourceType): boolean => isText(type) || type === 'other' || type === 'masked';
const isTimestamp = (type: SourceType): boolean => type === 'timestamp' || type === 'timestamptz';

const wholeNumbers = 'an int2, an int4, an int8, an oid or a numeric without digits after the point';

/** One that makes a column of a type of the field's value as it is. */
const plain = (
  name: string,
  type: WarehouseType['name'],
  takes: string,
  fits: (source: SourceType) => boolean,
): Builder => ({
  name,
  takes,
  isOf: (column) => column.from.kind === 'field' && column.type.name === type,
  fits,
});

const same = (name: string, type: WarehouseType['name'] & SourceType): Builder =>
  plain(name, type, `a ${type}`, (source) => source === type);

/** One that makes something else of a field's value. */
const derived = (
  name: string,
  kind: Derivation['kind'],
  types: readonly WarehouseType['name'][],
  takes: string,
  fits: (source: SourceType) => boolean,
): Builder => ({
  name,
  takes,
  isOf: (column) => column.from.kind === kind && types.includes(column.type.name),
  fits,
});

const texts = ['varchar', 'text'] as const;

const builders: readonly Builder[] = [
  plain('smallint', 'smallint', wholeNumbers, isWholeNumber),
  plain('int', 'int', wholeNumbers, isWholeNumber),
  plain('bigint', 'bigint', wholeNumbers, isWholeNumber),
  plain('numeric', 'numeric', 'a whole number or a numeric', isNumber),
  plain('real', 'real', 'a float4', (type) => type === 'float4'),
  plain('doublePrecision', 'double precision', 'a float4 or a float8', (type) =>
    ['float4', 'float8'].includes(type),
  ),
  plain('boolean', 'boolean', 'a bool', (type) => type === 'bool'),
  plain('varchar', 'varchar', 'a varchar', isPlainText),
  plain('text', 'text', 'a varchar', isPlainText),
  same('sameDate', 'date'),
  same('time', 'time'),
  same('timestamp', 'timestamp'),
  same('timestamptz', 'timestamptz'),
  same('uuid', 'uuid'),
  same('bytea', 'bytea'),
  same('json', 'json'),
  same('jsonb', 'jsonb'),
  plain('carried', 'carried', 'a field of any type', isAny),
  derived('date', 'date', ['date'], 'a varchar', isText),
  derived('lookUp', 'lookup', texts, 'a varchar', isText),
  derived('dateOf', 'date of', ['date'], 'a timestamp or a timestamptz', isTimestamp),
  derived('timeOf', 'time of', ['time'], 'a timestamp or a timestamptz', isTimestamp),
  derived('textOf', 'text', texts, 'a field of any type', isAny),
];

/** Whether a column can be made of a field of this source type. A value may still be out of the column's range. */
export const isColumnFitting = (type: SourceType, column: Pick<ColumnDefinition, 'type' | 'from'>): boolean =>
  builders.some((builder) => builder.isOf(column) && builder.fits(type));

/**
 * Says why a column cannot be made of a field of this source type, and which builders could.
 *
 * @param columnName `table.column` of the warehouse
 * @param fieldName `table.column` of the source
 * @example "fact_payment.payment_date is date(…), which takes a varchar, and payment.paid_at is declared as timestamp: …"
 */
export function describeMisfit(
  columnName: string,
  column: Pick<ColumnDefinition, 'type' | 'from'>,
  fieldName: string,
  type: SourceType,
): string {
  const builder = builders.find(({ isOf }) => isOf(column));
  const is =
    builder === undefined
      ? `is a ${column.type.name} made as '${column.from.kind}', which no builder makes`
      : `is ${builder.name}(…), which takes ${builder.takes}`;
  const fitting = builders.filter(({ fits }) => fits(type) && fits !== isAny).map(({ name }) => name);
  if (fitting.length === 0) fitting.push('carried', 'textOf');
  return `${columnName} ${is}, and ${fieldName} is declared as ${type}: use ${fitting.join(' or ')}`;
}
