import type pg from 'pg';
import type { Dimension, Fact, WarehouseColumn } from '../../../shared/model/model.ts';
import { type ColumnType, describeColumns, textOf } from '../databases/postgres-types.ts';
import { writeValue } from './column-value.ts';
import { type HasLate, type IsLate, makeSourceRows, type SourceRows } from './source-rows.ts';

/** The rows that the warehouse must hold of one table: a query over the source. */
export interface ExpectedRows {
  /** Its columns are c0, c1, … in the order of the table's, and is_pending: the warehouse need not have the row yet. */
  query: string;
  /** Completes the texts of a row: what the source is not asked for. */
  complete?: (values: (string | null)[]) => (string | null)[];
}

/** The source, and which of its rows the warehouse need not have yet. */
export interface SourceReading {
  source: pg.Client;
  isLate: IsLate;
  hasLate: HasLate;
}

/**
 * The rows that follow from the model. Nothing of the pipeline but the model takes part: a mistake there must not be
 * repeated here.
 *
 * @throws {Error} the source lacks a column, or no server can order by the key
 */
export async function selectGenerated(
  table: Dimension | Fact,
  { source, isLate }: Pick<SourceReading, 'source' | 'isLate'>,
): Promise<ExpectedRows> {
  const rows = makeSourceRows(table);
  const values = await selectValues(source, table, rows);
  const list = values.map((sql, index) => `${sql} as c${index}`);
  const query = `select ${list.join(', ')}, ${isLate(rows)} as is_pending ${rows.from}`;
  const lookups = new Map([...table.columns.entries()].filter(([, column]) => column.from.kind === 'lookup'));
  if (lookups.size === 0) return { query };
  const key = [...lookups.values()].find(({ name }) => table.key.includes(name));
  if (key !== undefined) throw new Error(`its key ${key.name} is looked up, so no server can order by it`);
  return {
    query,
    complete: (texts) =>
      texts.map((text, index) => {
        const column = lookups.get(index);
        return column === undefined || text === null ? text : lookUp(column, text);
      }),
  };
}

/** A text that the lookup lacks, and that nothing stands in for, is in no warehouse. */
function lookUp({ from, listed }: WarehouseColumn, text: string): string | null {
  const found = listed?.get(text);
  if (found !== undefined) return found;
  if (from.else === 'null') return null;
  return from.else === 'self' ? text : `${text} (not in the lookup ${from.lookup})`;
}

/** SQL for the values of some of a table's columns, by the types that their fields have in the source now. */
export async function selectValues(
  source: pg.Client,
  { source: { name, fields: all }, columns }: Pick<Dimension | Fact, 'source' | 'columns'>,
  rows: SourceRows,
): Promise<string[]> {
  const fields = columns.map(({ from }) => {
    const field = all.find((each) => each.name === from.field);
    if (field === undefined) throw new Error(`${name} has no field ${from.field}`);
    return rows.sqlOf(field);
  });
  const types = await describeColumns(source, `select ${fields.join(', ')} ${rows.from}`);
  return columns.map((column, index) =>
    writeValue(column, { sql: fields[index] ?? '', type: types[index] ?? unknownType }),
  );
}

const unknownType: ColumnType = { oid: 0, modifier: -1 };

/**
 * A query for the keys of a table's rows that are late, as texts.
 *
 * @returns 'none' and 'all' where no row is, and where every row is
 */
export async function selectLateKeys(
  table: Dimension | Fact,
  { source, isLate, hasLate }: SourceReading,
): Promise<{ query: string } | 'none' | 'all'> {
  const rows = makeSourceRows(table);
  const condition = isLate(rows);
  if (condition === 'true') return 'all';
  if (!(await hasLate(rows))) return 'none';
  const columns = table.key.flatMap((name) => table.columns.filter((column) => column.name === name));
  const keys = await selectValues(source, { source: table.source, columns }, rows);
  const late = `select ${keys.map((sql, index) => `${sql} as k${index}`).join(', ')} ${rows.from} where ${condition}`;
  const types = await describeColumns(source, late);
  const texts = types.map((type, index) => `${textOf(`k${index}`, type)} as k${index}`);
  return { query: `select ${texts.join(', ')} from (${late}) as late` };
}
