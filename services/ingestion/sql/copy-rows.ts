import { quoteIdentifier } from '../../../shared/postgres/identifier.ts';
import type { BlockRange, NewRows } from '../../../shared/queue/extract-message.ts';
import type { SourceField, SourceTable } from '../../../shared/star-schema/assemble.ts';
import { aliasesOf, fromClause, joinAlias } from './from-clause.ts';
import { newRowsCondition } from './new-rows-condition.ts';

export interface RowsToCopy {
  schema: string;
  /** Absent for all rows. */
  newRows?: NewRows;
  /** Absent for all blocks. */
  blocks?: BlockRange;
}

/** The COPY of a slice: the table's own columns in the model's order, then those of each join. */
export function copyRows(table: SourceTable, { schema, newRows, blocks }: RowsToCopy): string {
  const own = table.columns.map(({ name }) => `source.${quoteIdentifier(name)}`);
  const joined = table.joins.flatMap(({ columns }, index) =>
    columns.map((name) => `${joinAlias(index)}.${quoteIdentifier(name)}`),
  );
  const values = [...own, ...joined].map((column, index) => asText(column, table.fields[index]));
  const conditions = [
    ...(blocks === undefined ? [] : blocksConditions(blocks)),
    ...(newRows === undefined ? [] : [newRowsCondition(newRows, aliasesOf(table))]),
  ];
  return `
    copy (
      select ${values.join(', ')}
        ${fromClause(schema, table)}
       where ${['true', ...conditions].join(' and ')}
    ) to stdout (format text)`;
}

/**
 * The padding of a char(n) is no part of its value, and Postgres takes it off in this conversion. To a varchar or text
 * the cast does nothing, and costs nothing that could be measured.
 */
const asText = (column: string, field: SourceField | undefined): string =>
  field?.type === 'varchar' ? `${column}::text` : column;

/** Of a partitioned table the same blocks of every partition: a row has one block number, so no two ranges share it. */
function blocksConditions({ from, to }: BlockRange): string[] {
  const start = `source.ctid >= '(${from},0)'::tid`;
  return to === undefined ? [start] : [start, `source.ctid < '(${to},0)'::tid`];
}
