import type { ColumnDefinition, SourceType } from './define.ts';

/** One of the functions of define.ts that make a warehouse column. */
interface Builder {
  name: string;
  /** The source types whose text it reads, for a message. */
  takes: string;
  isOf(column: Pick<ColumnDefinition, 'type' | 'from'>): boolean;
  fits(type: SourceType): boolean;
}

const isWholeNumber = (type: SourceType): boolean =>
  type === 'int4' || type === 'int8' || /^numeric\(\d+,0\)$/.test(type);
const isNumber = (type: SourceType): boolean => isWholeNumber(type) || type.startsWith('numeric');
const isText = (type: SourceType): boolean => type === 'varchar';
const isTimestamp = (type: SourceType): boolean => type === 'timestamp';

const builders: readonly Builder[] = [
  {
    name: 'int',
    takes: 'an int4, an int8 or a numeric without digits after the point',
    isOf: ({ type, from }) => from.kind === 'field' && type.name === 'int',
    fits: isWholeNumber,
  },
  {
    name: 'numeric',
    takes: 'an int4, an int8 or a numeric',
    isOf: ({ type, from }) => from.kind === 'field' && type.name === 'numeric',
    fits: isNumber,
  },
  {
    name: 'boolean',
    takes: 'a bool',
    isOf: ({ type, from }) => from.kind === 'field' && type.name === 'boolean',
    fits: (type) => type === 'bool',
  },
  {
    name: 'varchar',
    takes: 'a varchar',
    isOf: ({ type, from }) => from.kind === 'field' && type.name === 'varchar',
    fits: isText,
  },
  {
    name: 'date',
    takes: 'a varchar',
    isOf: ({ type, from }) => from.kind === 'date' && type.name === 'date',
    fits: isText,
  },
  {
    name: 'currencyName',
    takes: 'a varchar',
    isOf: ({ type, from }) => from.kind === 'currency name' && type.name === 'varchar',
    fits: isText,
  },
  {
    name: 'dateOf',
    takes: 'a timestamp',
    isOf: ({ type, from }) => from.kind === 'date of' && type.name === 'date',
    fits: isTimestamp,
  },
  {
    name: 'timeOf',
    takes: 'a timestamp',
    isOf: ({ type, from }) => from.kind === 'time of' && type.name === 'time',
    fits: isTimestamp,
  },
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
  const fitting = builders.filter(({ fits }) => fits(type)).map(({ name }) => name);
  return `${columnName} ${is}, and ${fieldName} is declared as ${type}: use ${fitting.join(' or ')}`;
}
