import type { Dimension, Fact, SourceTable } from '../model/model.ts';
import { quoteIdentifier, quoteLiteral } from '../postgres/identifier.ts';

/**
 * A range of a source table's keys, in the order of its key's columns: from the lower bound, which it includes, to the upper
 * one. A bound is the texts of the key's columns; one that is absent is no bound.
 */
export interface CensusRange {
  from?: readonly string[];
  to?: readonly string[];
}

/** One column of the key, as either database has it. */
export interface RangeColumn {
  sql: string;
  /** Databases order texts each in its own way: both are asked for the bytes of the text in UTF-8. */
  isText: boolean;
}

/** Types that all versions of Postgres put in one order. */
const ordered = /^(int2|int4|int8|oid|uuid|date|numeric(\(.*\))?)$/;

/**
 * The columns by which both sides know whether a key is in a range.
 *
 * @param alias of the source table
 * @returns undefined where a range says nothing to a warehouse table: it has another key, or one that is made of the source's
 */
export function sourceRangeColumns(table: SourceTable, alias: string): RangeColumn[] | undefined {
  const isOwn = table.fedKeys.every(
    ({ columns }) =>
      columns.length === table.key.length &&
      columns.every(({ from }) => from.kind === 'field' && table.key.includes(from.field)),
  );
  if (!isOwn) return undefined;
  const columns = table.key.map((name) => {
    const type = table.columns.find((field) => field.name === name)?.type;
    if (type === undefined || (type !== 'varchar' && !ordered.test(type))) return undefined;
    return { sql: `${alias}.${quoteIdentifier(name)}`, isText: type === 'varchar' };
  });
  const known = columns.filter((column) => column !== undefined);
  return known.length === columns.length ? known : undefined;
}

/** The same of a warehouse table's rows, in the order of the source's key. */
export function warehouseRangeColumns(
  { source, key, columns }: Dimension | Fact,
  alias: string,
): RangeColumn[] {
  return source.key.map((name) => {
    const column = columns.find((each) => key.includes(each.name) && each.from.field === name);
    if (column === undefined) throw new TypeError(`no column of the key is made of ${name}`);
    const isText = source.columns.find((field) => field.name === name)?.type === 'varchar';
    return { sql: `${alias}.${quoteIdentifier(column.name)}`, isText };
  });
}

/** What rows are ordered by, for `order by`. */
export const rangeOrder = (columns: readonly RangeColumn[]): string => columns.map(inOrder).join(', ');

const inOrder = ({ sql, isText }: RangeColumn): string => (isText ? bytesOf(`${sql}::text`) : sql);

const bytesOf = (text: string): string => `convert_to(${text}, 'UTF8')`;

/** An SQL condition: the row's key is in the range. */
export function inRange(columns: readonly RangeColumn[], { from, to }: CensusRange): string {
  const key = `(${rangeOrder(columns)})`;
  const conditions = [
    ...(from === undefined ? [] : [`${key} >= ${bound(columns, from)}`]),
    ...(to === undefined ? [] : [`${key} < ${bound(columns, to)}`]),
  ];
  return conditions.length === 0 ? 'true' : `(${conditions.join(' and ')})`;
}

/** A bound as an SQL row of literals. */
export const bound = (columns: readonly RangeColumn[], texts: readonly string[]): string =>
  `(${columns.map(({ isText }, index) => (isText ? bytesOf(quoteLiteral(texts[index] ?? '')) : quoteLiteral(texts[index] ?? ''))).join(', ')})`;

/** Bounds are handed on as they are, so equal ones have equal texts. */
export const isSameBound = (a: readonly string[] | undefined, b: readonly string[] | undefined): boolean =>
  JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** Whether some of the ranges follow one another from the first key to the last one. */
export function coverAll(ranges: readonly CensusRange[]): boolean {
  const reached: (readonly string[] | undefined)[] = [undefined];
  for (const at of reached) {
    for (const { from, to } of ranges) {
      if (!isSameBound(from, at)) continue;
      if (to === undefined) return true;
      if (!reached.some((bound) => bound !== undefined && isSameBound(bound, to))) reached.push(to);
    }
  }
  return false;
}

/** A range as the warehouse's table of censuses has it. */
export interface StoredRange {
  lower_bound?: string | null;
  upper_bound?: string | null;
}

export const formatBound = (texts: readonly string[] | undefined): string | null =>
  texts === undefined ? null : JSON.stringify(texts);

export const parseRange = ({ lower_bound, upper_bound }: StoredRange): CensusRange => ({
  ...(lower_bound != null && { from: JSON.parse(lower_bound) as string[] }),
  ...(upper_bound != null && { to: JSON.parse(upper_bound) as string[] }),
});
