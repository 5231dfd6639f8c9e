import type pg from 'pg';
import type { NewRows } from '../../../shared/queue/extract-message.ts';
import type { SourceTable } from '../../../shared/star-schema/assemble.ts';
import { aliasesOf, fromClause } from './from-clause.ts';
import { newRowsCondition } from './new-rows-condition.ts';

/**
 * Which block ranges of this length hold a new row: 0 for the first range, in one scan of the table. The statement
 * runs in a transaction of its own (see newRowsCondition).
 */
export async function selectNewBlockRanges(
  client: pg.ClientBase,
  table: SourceTable,
  scan: { schema: string; newRows: NewRows; blocksPerRange: number },
): Promise<number[]> {
  const { rows } = await client.query<{ range: string }>(
    `
    select distinct div((source.ctid::text::point)[0]::numeric, $1::numeric)::text as range
      ${fromClause(scan.schema, table)}
     where ${newRowsCondition(scan.newRows, aliasesOf(table))}`,
    [scan.blocksPerRange],
  );
  return rows.map(({ range }) => Number(range));
}
