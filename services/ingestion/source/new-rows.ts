import type { Join, SourceTable } from '../../../shared/model/model.ts';
import { quoteSource } from '../../../shared/model/source-name.ts';
import { quoteIdentifier } from '../../../shared/postgres/identifier.ts';
import type { NewRows } from '../../../shared/records/plan/extract-message.ts';

/**
 * The condition under which a row is new: an xid from `since` on wrote it, or one that was in progress then.
 * In a join, when the row of any of the aliases is: a left join that finds nothing has no xmin and adds nothing, unless rows
 * that are unmatched are asked for.
 *
 * xmin holds the lower 32 bits of an xid, and age() is how far it lies behind the next xid, modulo 2^32:
 * - `>= 0`: rows frozen before a wrap of the counter keep their xmin and may have a negative age; without it they
 *   would be extracted again by every plan.
 * - age() overflows silently 2^31 behind; isWithinReach must have been asked before.
 * - age() keeps the next xid of its first call for the rest of the transaction: in a read committed transaction
 *   of several statements, later rows would have a negative age and be lost. It must not be called before the
 *   snapshot that reads the rows.
 *
 * For an old row only the first comparison is evaluated, against a number that the inner select computes once for the
 * whole statement. Keep it first: most rows of a scan are old.
 *
 * age() also keeps the planner from parallel scans. The same arithmetic on xmin::text::int8 would allow them, at
 * several times the cost for each row; slices are too small for parallel scans anyway.
 *
 * @param unmatched for each join, the condition that it finds no row for one that is named
 */
export function newRowsCondition(
  newRows: NewRows,
  aliases: readonly string[],
  unmatched: readonly string[],
): string {
  const since = `'${toXid(newRows.since)}'::xid`;
  const conditions = aliases.map((alias) => {
    const age = `age(${alias}.xmin)`;
    return `${age} <= (select age(${since})) and ${age} >= 0`;
  });
  if (newRows.inProgress.length > 0) {
    const inProgress = `'{${newRows.inProgress.map(toXid).join(',')}}'::xid[]`;
    conditions.push(...aliases.map((alias) => `${alias}.xmin = any(${inProgress})`));
  }
  if (newRows.unmatched === true) conditions.push(...unmatched);
  return `(${conditions.join(' or ')})`;
}

/** An xid as a row's header holds it. */
const toXid = (xid8: string): string => String(BigInt(xid8) % 2n ** 32n);

/** xmin holds 32 bits of an xid, and age() overflows silently 2^31 behind: this is well below that. */
const reachXids = 1_000_000_000n;

/**
 * Whether xmin still shows which rows are new, seen from a snapshot with this xmax. Where it does not, all rows
 * are extracted. Compared in 64 bits, because 32 overflow.
 */
export const isWithinReach = (newRows: NewRows, xmax: string): boolean =>
  BigInt(xmax) - BigInt(newRows.since) <= reachXids;

/**
 * The table under the alias `source`, and each of its joins under the alias that aliasOf gives.
 *
 * @param pages of the table, where only these blocks are to be read
 */
export function fromClause(schema: string, table: SourceTable, pages?: readonly number[]): string {
  const joins = table.joins.map((join) => {
    const alias = aliasOf(table, join.path);
    const nearer = aliasOf(table, join.from);
    const pairs = Object.entries(join.match).map(
      ([near, far]) =>
        `${alias}.${quoteIdentifier(far)} = ${nearer}.${quoteIdentifier(near)}${collateOf(join, near)}`,
    );
    return `left join ${quoteSource(join, schema)} as ${alias} on ${pairs.join(' and ')}`;
  });
  const own = quoteSource(table, schema);
  return [`from ${pages === undefined ? own : `${pagesOf(own, pages)}`} as source`, ...joins].join(' ');
}

/** Without `offset 0` the planner reads the whole table for each block, and for a list of ctids it looks at each row of all. */
const pagesOf = (table: string, pages: readonly number[]): string => `
  unnest('{${pages.join(',')}}'::int8[]) as page (number),
  lateral (select own.xmin, own.ctid, own.*
             from ${table} as own
            where own.ctid >= format('(%s,0)', page.number)::tid and own.ctid < format('(%s,0)', page.number + 1)::tid
           offset 0)`;

/** Postgres compares no two columns of different collations by itself. */
const collateOf = ({ collate }: Join, near: string): string =>
  collate?.[near] === undefined ? '' : ` collate ${collate[near]}`;

/** @param path of one of the table's joins; undefined for the table itself */
export const aliasOf = (table: SourceTable, path: string | undefined): string =>
  path === undefined ? 'source' : `joined_${table.joins.findIndex((join) => join.path === path)}`;

/** The aliases of all tables whose rows make up a row of the extract: the xmin of any may make it new. */
export const aliasesOf = (table: SourceTable): string[] => [
  'source',
  ...table.joins.map(({ path }) => aliasOf(table, path)),
];

/** For each of the table's joins, an SQL condition: the nearer row names a row of the joined table that is not there. */
export const unmatchedConditions = (table: SourceTable): string[] =>
  table.joins.map((join) =>
    unmatchedCondition(join, { near: aliasOf(table, join.from), far: aliasOf(table, join.path) }),
  );

/** @param aliases of the nearer table and of the joined one */
export function unmatchedCondition(
  { match }: Pick<Join, 'match'>,
  { near, far }: { near: string; far: string },
): string {
  const columns = Object.entries(match);
  const isNamed = columns.map(([column]) => `${near}.${quoteIdentifier(column)} is not null`);
  return `(${isNamed.join(' and ')} and ${far}.${quoteIdentifier(columns[0]?.[1] ?? '')} is null)`;
}
