import type pg from 'pg';
import type { QuarantinedRow } from '../../../shared/records/quarantine-file.ts';
import { type CarriedColumn, isDataException, type ShownRow, takeUncastable } from './uncastable-rows.ts';

interface CarriedTarget {
  columns: readonly string[];
  carried: readonly CarriedColumn[];
  /** Of the warehouse, quoted. */
  table: string;
  shown: ShownRow;
}

const texts = 'pg_temp.carried';
const nth = 'starlift_nth';

/**
 * Copies rows by way of a temporary table that has the carried columns as text; the server casts them.
 *
 * @param into the table that gets the rows, with the target's columns
 * @param copy copies the rows into a table
 * @returns the rows that were left out, because a value of theirs cannot be cast
 * @throws {TerminalError} these are too many
 */
export async function copyCarried(
  client: pg.ClientBase,
  target: CarriedTarget,
  into: string,
  copy: (table: string) => Promise<void>,
): Promise<QuarantinedRow[]> {
  const { columns, carried } = target;
  const isCarried = (column: string) => carried.some((each) => each.column === column);
  const shaped = columns.map((column) => (isCarried(column) ? `${column}::text as ${column}` : column));
  await client.query(`
    drop table if exists ${texts};
    create temporary table ${texts} on commit drop as
    select ${shaped.join(', ')} from ${target.table} with no data;
    alter table ${texts} add column ${nth} bigint generated always as identity;
    ${settings}`);
  await copy(texts);
  const values = columns.map((column) => {
    const found = carried.find((each) => each.column === column);
    return found === undefined ? column : castText(found);
  });
  const insert = `insert into ${into} (${columns.join(', ')}) select ${values.join(', ')} from ${texts}`;
  let uncastable: QuarantinedRow[] = [];
  await client.query('savepoint carried');
  try {
    await client.query(insert);
  } catch (error) {
    if (!isDataException(error)) throw error;
    await client.query('rollback to savepoint carried');
    uncastable = await takeUncastable(client, { name: texts, nth }, target, castText);
    // It was something else, such as a trigger.
    if (uncastable.length === 0) throw error;
    await client.query(insert);
  }
  await client.query(`drop table ${texts}`);
  return uncastable;
}

/** The settings of the session that wrote the texts, as far as they change how one is read. */
const settings = `
    set local datestyle = 'ISO, YMD';
    set local intervalstyle = 'postgres';
    set local timezone = 'UTC';
    set local xmloption = 'content';
    set local array_nulls = on`;

/** A type that is of the length 1 if none is given, and an array of it. */
const shortByItself = /^(bit|character)((?:\[\])*)$/;

/**
 * The cast leaves out a length, which an explicit cast would cut the value to: where it is stored, a value that is too long
 * is refused. Money was cast to numeric in the source.
 */
function castText({ column, sql }: CarriedColumn): string {
  const base = sql.replace(/\([^)]*\)/, '');
  if (/^money(\[\])*$/.test(base)) return `${column}::${base.replace('money', 'numeric')}::${base}`;
  const [, short, dimensions] = shortByItself.exec(base) ?? [];
  if (short === undefined) return `${column}::${base}`;
  return `${column}::${short === 'bit' ? 'bit varying' : 'text'}${dimensions}`;
}
