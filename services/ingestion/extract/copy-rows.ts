import type { SourceField, SourceTable } from '../../../shared/model/model.ts';
import { quoteIdentifier } from '../../../shared/postgres/identifier.ts';
import type {
  BlockRange,
  ExtractMessage,
  IndexOrder,
  NewRows,
} from '../../../shared/records/plan/extract-message.ts';
import { indexOrderCondition } from '../source/index-path.ts';
import { maskedSql } from '../source/mask.ts';
import {
  aliasesOf,
  aliasOf,
  fromClause,
  isWithinReach,
  newRowsCondition,
  unmatchedConditions,
} from '../source/new-rows.ts';
import type { ExtractedColumn } from '../source/tables.ts';

export interface RowsToCopy {
  schema: string;
  /** Absent for all rows. */
  newRows?: NewRows;
  /** Absent for all blocks. */
  blocks?: BlockRange;
  /** Single blocks, in the place of a range; absent for all. */
  pages?: readonly number[];
  /** Absent where no index is to be used. */
  index?: IndexOrder;
  /** As the source has them; absent where none is of a type that has to be cast. */
  columns?: readonly ExtractedColumn[];
}

/**
 * Bounds count in the file that was planned on: in another one (CLUSTER, VACUUM FULL) a row may have moved from
 * one slice to another between their extracts, so each takes all.
 */
export function chooseRows(
  {
    newRows,
    blocks,
    pages,
    fileNode,
    index,
  }: Pick<ExtractMessage, 'newRows' | 'blocks' | 'pages' | 'fileNode' | 'index'>,
  fileNodeNow: string,
  xmax: string,
  schema: string,
): RowsToCopy {
  return {
    schema,
    ...(newRows && isWithinReach(newRows, xmax) && { newRows }),
    ...(blocks && fileNode === fileNodeNow && { blocks }),
    ...(pages && fileNode === fileNodeNow && { pages }),
    ...(index && { index }),
  };
}

/**
 * Cuts a range in two.
 *
 * @param tableBlocks where an open end is now
 * @returns undefined for a single block, which cannot be cut
 */
export function halveBlockRange(
  range: BlockRange | undefined,
  tableBlocks: number,
): [BlockRange, BlockRange] | undefined {
  const from = range?.from ?? 0;
  const end = range?.to ?? tableBlocks;
  if (end - from < 2) return undefined;
  const middle = from + Math.floor((end - from) / 2);
  return [{ from, to: middle }, range?.to === undefined ? { from: middle } : { from: middle, to: range.to }];
}

/** @returns undefined for a single block */
export const halvePages = (pages: readonly number[]): [readonly number[], readonly number[]] | undefined => {
  const middle = Math.floor(pages.length / 2);
  return middle === 0 ? undefined : [pages.slice(0, middle), pages.slice(middle)];
};

export const isPages = (half: BlockRange | readonly number[]): half is readonly number[] =>
  Array.isArray(half);

/** The COPY of a slice: the table's own columns in the model's order, then those of each join. */
export function copyRows(
  table: SourceTable,
  { schema, newRows, blocks, pages, index, columns = [] }: RowsToCopy,
): string {
  const values = table.fields.map((field, index) =>
    castField(`${aliasOf(table, field.path)}.${quoteIdentifier(field.column)}`, field, columns[index]),
  );
  const conditions = [
    ...(blocks === undefined ? [] : blocksConditions(blocks)),
    ...(index === undefined ? [] : [indexOrderCondition(index)]),
    ...(newRows === undefined ? [] : [newRowsOf(table, newRows, index)]),
  ];
  return `
    copy (
      select ${values.join(', ')}
        ${fromClause(schema, table, pages)}
       where ${['true', ...conditions].join(' and ')}
    ) to stdout (format text)`;
}

/** A row that is new for its joined rows, or for one that it lacks, is found by the next look at the table. */
const newRowsOf = (table: SourceTable, newRows: NewRows, index: IndexOrder | undefined): string =>
  index === undefined
    ? newRowsCondition(newRows, aliasesOf(table), unmatchedConditions(table))
    : newRowsCondition(newRows, ['source'], []);

/**
 * The padding of a char(n) is not part of its value, and a cast to text removes it. For a varchar or text the cast changes
 * nothing, at no measurable cost. Some types have a cast to text that writes more than COPY does, such as inet.
 */
export function castField(
  column: string,
  field: SourceField,
  extracted: ExtractedColumn | undefined,
): string {
  const value = extracted?.cast === undefined ? column : `${column}::${extracted.cast}`;
  if (field.type === 'masked') return maskedSql(value);
  if (extracted?.cast !== undefined) return value;
  return field.type === 'varchar' || field.type === 'other' ? `${column}::text` : column;
}

/** In a partitioned table the same blocks of every partition: a row has one block number, so no two ranges share it. */
function blocksConditions({ from, to }: BlockRange): string[] {
  const start = `source.ctid >= '(${from},0)'::tid`;
  return to === undefined ? [start] : [start, `source.ctid < '(${to},0)'::tid`];
}
