import type { NewRows } from '../../../shared/queue/extract-message.ts';
import type { SourceTable } from '../../../shared/star-schema/assemble.ts';
import { aliasesOf, fromClause } from './from-clause.ts';
import { newRowsCondition } from './new-rows-condition.ts';
import type { Statements } from './plan-statements.ts';

/** A block range that holds new rows. */
export interface NewRowsOfRange {
  /** 0 for the first range. */
  range: number;
  newRows: number;
}

/**
 * Which block ranges of this length hold new rows, in their order, and how many: one scan of the table. The statement
 * runs in a transaction of its own (see newRowsCondition).
 */
export async function selectNewBlockRanges(
  source: Statements,
  table: SourceTable,
  scan: { schema: string; newRows: NewRows; blocksPerRange: number },
): Promise<NewRowsOfRange[]> {
  const { rows } = await source.query<{ [K in keyof NewRowsOfRange]: string }>(
    `
    select div((source.ctid::text::point)[0]::numeric, ${scan.blocksPerRange}::numeric)::text as range, count(*)::text as "newRows"
      ${fromClause(scan.schema, table)}
     where ${newRowsCondition(scan.newRows, aliasesOf(table))}
     group by 1`,
  );
  return rows
    .map(({ range, newRows }) => ({ range: Number(range), newRows: Number(newRows) }))
    .sort((a, b) => a.range - b.range);
}
