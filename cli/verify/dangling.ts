import type pg from 'pg';
import type { Dimension, Fact, Model, WarehouseTable } from '../../shared/model/model.ts';
import { quoteIdentifier } from '../../shared/postgres/identifier.ts';
import { showKey } from './compare-rows.ts';
import { anyOrder, type ColumnType, textOf } from './databases/postgres-types.ts';
import type { FoundColumns } from './databases/warehouse-columns.ts';
import type { Evidence } from './evidence.ts';
import { selectLateKeys } from './expected/generated-rows.ts';
import type { HasLate } from './expected/source-rows.ts';
import { addExample, type TableReport } from './report.ts';

const rowsPerFetch = 5000;

export interface DanglingContext {
  source: pg.Client;
  warehouse: pg.Client;
  model: Model;
  evidence: Pick<Evidence, 'isLate' | 'isQuarantined'>;
  hasLate: HasLate;
  /** The types of the table's columns in the warehouse. */
  foundTypes: readonly ColumnType[];
  /** Of every table that the warehouse has. */
  columns: ReadonlyMap<string, FoundColumns>;
}

interface Reference {
  column: string;
  dimension: WarehouseTable;
}

interface DanglingRow {
  key: (string | null)[];
  value: string;
}

/** Counts into the report every reference of the table whose dimension row is not there. */
export async function countDangling(
  table: Dimension | Fact,
  context: DanglingContext,
  report: TableReport,
): Promise<void> {
  for (const { name, references } of table.columns) {
    if (references === undefined) continue;
    const reference: Reference = { column: name, dimension: context.model.table(references) };
    const query = writeQuery(table, reference, context);
    for await (const rows of readBatches(context.warehouse, query)) {
      // A fact's row waits until its dimension rows are there. No other row does.
      const isKnown = table.kind === 'fact' ? () => false : await findKnown(rows, reference, context);
      for (const { key, value } of rows) {
        if (isKnown(value)) continue;
        report.dangling += 1;
        addExample(report, 'dangling', () => ({ key: showKey(key), column: name, found: value }));
      }
    }
  }
}

function writeQuery(
  table: Dimension | Fact,
  { column, dimension }: Reference,
  { foundTypes, columns }: DanglingContext,
): string {
  const typeOf = (name: string) =>
    foundTypes[table.columns.findIndex((each) => each.name === name)] ?? { oid: 0, modifier: -1 };
  const own = `own.${quoteIdentifier(column)}`;
  const keys = table.key.map((name) => ({ sql: `own.${quoteIdentifier(name)}`, type: typeOf(name) }));
  const texts = [textOf(own, typeOf(column)), ...keys.map(({ sql, type }) => textOf(sql, type))];
  const order = keys.map(({ sql, type }) => anyOrder(sql, type));
  const [key = ''] = dimension.key;
  // A dimension that the warehouse lacks has no row at all.
  const held = columns.get(dimension.name)?.has(key)
    ? `and not exists (select from ${quoteIdentifier(dimension.name)} far where far.${quoteIdentifier(key)} = ${own})`
    : '';
  return `select ${texts.join(', ')} from ${quoteIdentifier(table.name)} as own
    where ${own} is not null ${held} order by ${order.join(', ')}`;
}

async function* readBatches(warehouse: pg.Client, query: string): AsyncGenerator<DanglingRow[]> {
  let text = `declare dangling_rows no scroll cursor for ${query}; fetch ${rowsPerFetch} from dangling_rows`;
  for (;;) {
    // For several statements pg gives an array, against its own types.
    const result: unknown = await warehouse.query({ text, rowMode: 'array' });
    const { rows } = [result].flat().at(-1) as { rows: [string, ...(string | null)[]][] };
    yield rows.map(([value, ...key]) => ({ key, value }));
    if (rows.length < rowsPerFetch) break;
    text = `fetch ${rowsPerFetch} from dangling_rows`;
  }
  await warehouse.query('close dangling_rows');
}

/** Which dimension rows are known to be on their way, or in quarantine. */
async function findKnown(
  rows: readonly DanglingRow[],
  { dimension }: Reference,
  { source, evidence, hasLate }: DanglingContext,
): Promise<(value: string) => boolean> {
  if (rows.length === 0 || dimension.kind !== 'dimension') return () => false;
  const late = await selectLateKeys(dimension, { source, isLate: evidence.isLate, hasLate });
  if (late === 'all') return () => true;
  const isQuarantined = (value: string) => evidence.isQuarantined(dimension.name, value, '');
  if (late === 'none') return isQuarantined;
  const { rows: found } = await source.query<{ k0: string }>(
    `select k0 from (${late.query}) as known where k0 = any($1)`,
    [rows.map(({ value }) => value)],
  );
  const values = new Set(found.map(({ k0 }) => k0));
  return (value) => values.has(value) || isQuarantined(value);
}
