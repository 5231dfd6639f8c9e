import type { SourceTable } from '../../../shared/model/model.ts';
import { quoteSource } from '../../../shared/model/source-name.ts';
import { quoteIdentifier } from '../../../shared/postgres/identifier.ts';
import type { IndexOrder, NewRows } from '../../../shared/records/plan/extract-message.ts';
import { newRowsCondition } from './new-rows.ts';
import type { Relation } from './relations.ts';
import type { Statements } from './statements.ts';

/** A column by which the newest changes of a table can be read, because an index leads by it. */
export interface IndexPath {
  column: string;
  type: 'timestamp' | 'timestamptz';
}

const timestampTypes: Readonly<Record<number, IndexPath['type']>> = {
  1114: 'timestamp',
  1184: 'timestamptz',
};

/** @returns undefined where the model names no such column, or the source has no index that leads by it in all of the table */
export function findIndexPath(
  { changed }: Pick<SourceTable, 'changed'>,
  { columns, ledBy }: Pick<Relation, 'columns' | 'ledBy'>,
): IndexPath | undefined {
  const type = timestampTypes[columns.find(({ name }) => name === changed)?.typeOid ?? 0];
  return changed === undefined || type === undefined || !ledBy.includes(changed)
    ? undefined
    : { column: changed, type };
}

/** From where on changes are asked for. */
export interface ChangedSince {
  /** The greatest value of the column that a plan has seen; undefined where it has seen none. */
  greatest: string | undefined;
  /** By the server's clock, ISO 8601: what had not written anything by then is asked for. */
  clock: string;
  overlapSeconds: number;
}

export interface NewestChanges {
  /** The lowest value that was asked for, as Postgres reads it. */
  from: string;
  /** New rows from there on, counted no further than to the limit. */
  found: number;
}

/**
 * Counts the newest changes by the index.
 *
 * The lowest value is the lesser of the greatest one seen and of the server's clock: clients whose clocks are behind write values
 * that are below the server's clock, and one row from the future must not hide all others.
 *
 * @param newRows not the table's base: what the last plan that has asked, or has looked at the whole table, did not cover
 */
export async function selectNewestChanges(
  source: Statements,
  { table, schema, path }: { table: SourceTable; schema: string; path: IndexPath },
  { since, newRows, limit }: { since: ChangedSince; newRows: NewRows; limit: number },
): Promise<NewestChanges> {
  const { type } = path;
  const seen = since.greatest === undefined ? 'null' : `'${since.greatest}'::${type}`;
  const lowest = `least(${seen}, '${since.clock}'::timestamptz::${type}) - interval '${since.overlapSeconds} seconds'`;
  const [found] = (
    await source.query<{ from: string; found: string }>(`
      ${byIndexAlone}
      select ${textOf(lowest, type)} as from,
             (select count(*)
                from (select from ${quoteSource(table, schema)} as source
                       where ${indexCondition(path.column, lowest)} and ${newRowsCondition(newRows, ['source'], [])}
                       limit ${limit}) as new) as found`)
  ).rows;
  return { from: found?.from ?? '', found: Number(found?.found) };
}

/** @returns undefined in a table without a value, or where the greatest is infinite */
export async function selectGreatest(
  source: Statements,
  { table, schema, path: { column, type } }: { table: SourceTable; schema: string; path: IndexPath },
): Promise<string | undefined> {
  const greatest = `max(source.${quoteIdentifier(column)})`;
  const { rows } = await source.query<{ greatest: string | null }>(`
    ${byIndexAlone}
    select case when isfinite(${greatest}) then ${textOf(greatest, type)} end as greatest
      from ${quoteSource(table, schema)} as source`);
  return rows[0]?.greatest ?? undefined;
}

/** The condition by which an extract reads what an index order names. */
export const indexOrderCondition = ({ column, from }: IndexOrder): string =>
  indexCondition(column, `'${from.replaceAll("'", "''")}'`);

const indexCondition = (column: string, lowest: string): string =>
  `source.${quoteIdentifier(column)} >= ${lowest}`;

/** A planner that knows little of a table takes many of its rows for new, and reads all of them. */
export const withoutSequentialScan = 'set local enable_seqscan = off;';

/** What takes long is not worth it: the next look at the table finds all. */
const byIndexAlone = `set local statement_timeout = '2s'; ${withoutSequentialScan}`;

/** Text that Postgres reads as the same value, whatever the session's settings. */
const textOf = (value: string, type: IndexPath['type']): string =>
  type === 'timestamptz'
    ? `to_char((${value}) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00'`
    : `to_char(${value}, 'YYYY-MM-DD HH24:MI:SS.US')`;
