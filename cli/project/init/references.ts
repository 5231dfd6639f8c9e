import type pg from 'pg';
import { quoteIdentifier, quoteQualified } from '../../../shared/postgres/identifier.ts';
import { areComparable } from '../compile/column-types.ts';
import { singularForms, wordsOf } from './column-names.ts';
import type { OfferedTable } from './offer-tables.ts';

/** Rows of one table name rows of another. */
export interface TableReference {
  columns: readonly string[];
  /** The other table. */
  to: OfferedTable;
  toColumns: readonly string[];
  /** No foreign key declares it: names and types do, and no row speaks against it. */
  isGuessed: boolean;
  /** Whether every row of the table finds its row of the other. */
  isKept: boolean;
}

export type References = ReadonlyMap<string, readonly TableReference[]>;

/** Asks the source for a truth about rows, with a limit on the time of each question and of all. */
export interface Prover {
  /** @param late what is taken for the answer where the source has none in time */
  ask(question: string, late: boolean): Promise<boolean>;
}

/** The foreign keys between tables, and those that are declared nowhere. */
export async function findReferences(prover: Prover, tables: readonly OfferedTable[]): Promise<References> {
  const byName = new Map(tables.map((table) => [table.name, table]));
  const found = new Map<string, TableReference[]>();
  for (const table of tables) {
    const declared = table.locked.foreignKeys.flatMap(({ columns, table: target, to, valid }) => {
      const other = byName.get(target);
      if (other === undefined || other === table) return [];
      const reference = { columns, to: other, toColumns: to, isGuessed: false, isKept: valid !== false };
      return columns.some((column) => table.excluded.has(column)) ? [] : [reference];
    });
    found.set(table.name, declared);
  }
  for (const table of tables) {
    const known = new Set((found.get(table.name) ?? []).flatMap(({ columns }) => columns));
    for (const guess of guessReferences(table, tables)) {
      const [column = ''] = guess.columns;
      if (known.has(column)) continue;
      if (await isProved(prover, table, guess)) found.get(table.name)?.push(guess);
    }
  }
  return found;
}

/** Columns that are named after the key of one other table, and are of its type. */
export function guessReferences(table: OfferedTable, tables: readonly OfferedTable[]): TableReference[] {
  const declared = new Set(table.locked.foreignKeys.flatMap(({ columns }) => columns));
  return Object.entries(table.locked.columns).flatMap(([column, locked]) => {
    if (declared.has(column) || table.excluded.has(column)) return [];
    const fitting = tables.filter((other) => {
      const [key, second] = other.key;
      const keyColumn = key === undefined ? undefined : other.locked.columns[key];
      if (other === table || keyColumn === undefined || second !== undefined) return false;
      return areComparable(locked, keyColumn);
    });
    const to = findNamed(column, fitting);
    if (to === undefined) return [];
    return [{ columns: [column], to, toColumns: to.key, isGuessed: true, isKept: true }];
  });
}

/** The one table that a name such as `customer_id`, `customerId` or `billing_customer_id` is about. */
function findNamed(column: string, tables: readonly OfferedTable[]): OfferedTable | undefined {
  const words = wordsOf(column);
  const last = words.at(-1) ?? '';
  if (last !== 'id' && last !== 'key' && last !== 'code') {
    const stuck = /^(.+)id$/.exec(last)?.[1];
    if (words.length > 1 || stuck === undefined) return undefined;
    return onlyOne(tables.filter(({ table }) => namesOf(table).includes(stuck)));
  }
  const stem = words.slice(0, -1);
  for (let start = 0; start < stem.length; start++) {
    const name = stem.slice(start).join('_');
    const whole = tables.filter(({ table }) => namesOf(table).includes(name));
    // Behind the common beginning of an application's tables, as in shop_customer.
    const found =
      whole.length > 0
        ? whole
        : tables.filter(({ table }) => namesOf(table).some((each) => each.endsWith(`_${name}`)));
    if (found.length > 0) return onlyOne(found);
  }
  return undefined;
}

const onlyOne = (tables: readonly OfferedTable[]): OfferedTable | undefined =>
  tables.length === 1 ? tables[0] : undefined;

/** What one row of a table may be called. */
function namesOf(table: string): string[] {
  const words = wordsOf(table);
  const last = words.pop() ?? '';
  return singularForms(last).map((form) => [...words, form].join('_'));
}

/** Whether some row has the reference, and each that has it finds its row. */
async function isProved(
  prover: Prover,
  table: OfferedTable,
  { columns: [column = ''], to, toColumns: [key = ''] }: TableReference,
): Promise<boolean> {
  const [child, parent] = [table, to].map((each) => quoteQualified(each.schema, each.table));
  const [near, far] = [`child.${quoteIdentifier(column)}`, `parent.${quoteIdentifier(key)}`];
  return prover.ask(
    `select exists (select from ${child} child where ${near} is not null)
        and not exists (select from ${child} child where ${near} is not null
                           and not exists (select from ${parent} parent where ${far} = ${near})) as holds`,
    false,
  );
}

/** Whether every value of a date lies in the years of a calendar. A table that takes too long to read is trusted. */
export async function isWithinCalendar(
  prover: Prover,
  table: OfferedTable,
  column: string,
): Promise<boolean> {
  const [target, name] = [quoteQualified(table.schema, table.table), quoteIdentifier(column)];
  return prover.ask(
    `select not exists (select from ${target} where ${name} < '0001-01-02' or ${name} >= '9999-12-31') as holds`,
    true,
  );
}

/** How long the source may take to answer one question, and all of them. */
const questionMilliseconds = 3000;
const allMilliseconds = 60_000;

export function makeProver(source: pg.ClientBase): Prover {
  const until = performance.now() + allMilliseconds;
  return {
    async ask(question, late) {
      if (performance.now() > until) return late;
      await source.query('begin transaction read only');
      try {
        await source.query(`set local statement_timeout = ${questionMilliseconds}`);
        await source.query('set local lock_timeout = 500');
        const { rows } = await source.query<{ holds: boolean }>(question);
        return rows[0]?.holds === true;
      } catch (error) {
        const { code } = error as { code?: unknown };
        if (code === cancelled || code === lockNotAvailable) return late;
        if (typeof code === 'string' && refusals.includes(code)) return false;
        throw error;
      } finally {
        await source.query('rollback');
      }
    },
  };
}

const cancelled = '57014';
const lockNotAvailable = '55P03';
/** A table that may not be read, and an operator that there is not. */
const refusals = ['42501', '42883'];
