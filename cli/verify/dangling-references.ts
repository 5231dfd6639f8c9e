import type pg from 'pg';
import type { Reference, TableCheck } from './table-check.ts';
import { addExample, type TableReport } from './table-report.ts';

/**
 * Counts into the report every reference of the fact whose dimension row is not there.
 *
 * @param hasKey whether the warehouse has the dimension: one that is missing has no row at all
 */
export async function countDanglingReferences(
  warehouse: pg.Client,
  check: TableCheck,
  hasKey: (reference: Reference) => boolean,
  report: TableReport,
): Promise<void> {
  for (const reference of check.references ?? []) {
    const query = danglingQuery(check, reference, hasKey(reference));
    const { rows } = await warehouse.query<{ key: string; value: string; total: string }>(query);
    report.dangling += Number(rows[0]?.total ?? 0);
    for (const { key, value } of rows) {
      addExample(report, 'dangling', () => ({ key, column: reference.column, found: value }));
    }
  }
}

function danglingQuery(check: TableCheck, { column, dimension, key }: Reference, hasDimension: boolean) {
  const held = hasDimension ? `and not exists (select from ${dimension} d where d.${key} = f.${column})` : '';
  return `
    select ${check.sortKey}::text as key, ${column}::text as value, count(*) over ()::text as total
      from ${check.table} f
     where ${column} is not null ${held}
     order by ${check.sortKey}
     limit 5`;
}
