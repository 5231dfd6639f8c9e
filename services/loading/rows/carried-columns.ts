import type pg from 'pg';
import { TerminalError } from '../../../shared/errors.ts';
import {
  describeServerError,
  isServerError,
  type ServerError,
} from '../../../shared/postgres/server-error.ts';

/** A column whose values travel as text, by its quoted name and its type as SQL writes it. */
export interface CarriedColumn {
  column: string;
  sql: string;
}

interface CarriedTarget {
  columns: readonly string[];
  key: readonly string[];
  carried: readonly CarriedColumn[];
  /** Of the warehouse, quoted. */
  table: string;
}

const texts = 'pg_temp.carried';
const nth = 'starlift_nth';

/**
 * Copies rows by way of a temporary table that has the carried columns as text; the server casts them.
 *
 * @param into the table that gets the rows, with the target's columns
 * @param copy copies the rows into a table
 * @throws {TerminalError} a value cannot be cast; the message names its column and its row's key
 */
export async function copyCarried(
  client: pg.ClientBase,
  target: CarriedTarget,
  into: string,
  copy: (table: string) => Promise<void>,
): Promise<void> {
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
    const sql = carried.find((each) => each.column === column)?.sql;
    return sql === undefined ? column : castText(column, sql);
  });
  await client.query('savepoint carried');
  try {
    await client.query(
      `insert into ${into} (${columns.join(', ')}) select ${values.join(', ')} from ${texts}`,
    );
  } catch (error) {
    if (!isDataException(error)) throw error;
    await client.query('rollback to savepoint carried');
    throw (await findUncastable(client, target)) ?? error;
  }
  await client.query(`release savepoint carried; drop table ${texts}`);
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
function castText(column: string, sql: string): string {
  const base = sql.replace(/\([^)]*\)/, '');
  if (/^money(\[\])*$/.test(base)) return `${column}::${base.replace('money', 'numeric')}::${base}`;
  const [, short, dimensions] = shortByItself.exec(base) ?? [];
  if (short === undefined) return `${column}::${base}`;
  return `${column}::${short === 'bit' ? 'bit varying' : 'text'}${dimensions}`;
}

async function findUncastable(
  client: pg.ClientBase,
  { table, carried, key }: CarriedTarget,
): Promise<TerminalError | undefined> {
  for (const { column, sql } of carried) {
    const place = await findPlace(client, castText(column, sql));
    if (place === undefined) continue;
    const { rows } = await client.query<{ key: string[] }>(
      `select array[${key.map((each) => `left(${each}::text, 200)`).join(', ')}] as key from ${texts} where ${nth} = $1`,
      [place.nth],
    );
    const row = `(${key.join(', ')}) = (${rows[0]?.key.join(', ')})`;
    return new TerminalError(
      `${table}.${column} cannot be ${sql} in the row ${row}: ${place.reason}. ` +
        'Correct the row in the source, or make the column as text',
    );
  }
  return undefined;
}

interface Place {
  nth: number;
  reason: string;
}

/** The first row whose expression Postgres cannot compute, found by halving: that works on every version of Postgres. */
async function findPlace(client: pg.ClientBase, expression: string): Promise<Place | undefined> {
  const { rows } = await client.query<{ rows: number }>(`select count(*)::int as rows from ${texts}`);
  let least = 1;
  let greatest = rows[0]?.rows ?? 0;
  if ((await findReason(client, expression, least, greatest)) === undefined) return undefined;
  while (least < greatest) {
    const middle = Math.floor((least + greatest) / 2);
    if ((await findReason(client, expression, least, middle)) === undefined) least = middle + 1;
    else greatest = middle;
  }
  return { nth: least, reason: (await findReason(client, expression, least, least)) ?? '' };
}

/** Why the expression cannot be computed for some of these rows, without their values; undefined if it can for all. */
async function findReason(
  client: pg.ClientBase,
  expression: string,
  least: number,
  greatest: number,
): Promise<string | undefined> {
  await client.query('savepoint half');
  try {
    const select = `select count(${expression}) from ${texts} where ${nth} between $1 and $2`;
    await client.query(select, [least, greatest]);
    return undefined;
  } catch (error) {
    if (!isDataException(error)) throw error;
    await client.query('rollback to savepoint half');
    return describeServerError(error);
  }
}

/** Class 22: a value that does not fit. */
function isDataException(error: unknown): error is ServerError {
  return isServerError(error) && error.code.startsWith('22');
}
