import type pg from 'pg';
import { quoteIdentifier, quoteQualified } from '../../../shared/postgres/identifier.ts';
import { areComparable, isLoose } from '../compile/column-types.ts';
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
      const isKept = valid !== false && !areLoose(other, to) && !areLoose(table, columns);
      const reference = { columns, to: other, toColumns: to, isGuessed: false, isKept };
      return columns.some((column) => table.excluded.has(column)) ? [] : [reference];
    });
    found.set(table.name, declared);
  }
  const names = indexNames(tables);
  for (const table of tables) {
    const known = new Set((found.get(table.name) ?? []).flatMap(({ columns }) => columns));
    for (const guess of guessReferences(table, names)) {
      const [column = ''] = guess.columns;
      if (known.has(column)) continue;
      if (await isProved(prover, table, guess)) found.get(table.name)?.push(guess);
    }
  }
  return found;
}

/** Tables by what one of their rows may be called: `customers` is 'customer', `shop_customer` also at its end. */
interface TableNames {
  whole: ReadonlyMap<string, readonly OfferedTable[]>;
  /** Behind the common beginning of an application's tables. */
  ends: ReadonlyMap<string, readonly OfferedTable[]>;
}

function indexNames(tables: readonly OfferedTable[]): TableNames {
  const whole = new Map<string, OfferedTable[]>();
  const ends = new Map<string, OfferedTable[]>();
  const add = (index: Map<string, OfferedTable[]>, name: string, table: OfferedTable) =>
    index.set(name, [...(index.get(name) ?? []), table]);
  for (const table of tables) {
    const words = wordsOf(table.table);
    const forms = singularForms(words.pop() ?? '').map((form) => [...words, form]);
    for (const form of forms) {
      add(whole, form.join('_'), table);
      for (let start = 1; start < form.length; start++) add(ends, form.slice(start).join('_'), table);
    }
  }
  return { whole, ends };
}

/** Columns that are named after the key of one other table, and are of its type. */
function guessReferences(table: OfferedTable, names: TableNames): TableReference[] {
  const declared = new Set(table.locked.foreignKeys.flatMap(({ columns }) => columns));
  return Object.entries(table.locked.columns).flatMap(([column, locked]) => {
    if (declared.has(column) || table.excluded.has(column)) return [];
    const fits = (other: OfferedTable) => {
      const [key = '', second] = other.key;
      const keyColumn = other.locked.columns[key];
      const isOne = other !== table && keyColumn !== undefined && second === undefined;
      return isOne && areComparable(locked, keyColumn);
    };
    const to = findNamed(column, names, fits);
    return to === undefined
      ? []
      : [
          {
            columns: [column],
            to,
            toColumns: to.key,
            isGuessed: true,
            isKept: !areLoose(to, to.key) && !isLoose(locked),
          },
        ];
  });
}

/** Whether the source may take two texts for one that are two in the warehouse. */
const areLoose = ({ locked }: OfferedTable, columns: readonly string[]): boolean =>
  columns.some((column) => {
    const found = locked.columns[column];
    return found !== undefined && isLoose(found);
  });

/** The one table that a name such as `customer_id`, `customerId` or `billing_customer_id` is about. */
function findNamed(
  column: string,
  { whole, ends }: TableNames,
  fits: (table: OfferedTable) => boolean,
): OfferedTable | undefined {
  for (const name of tablesNamedBy(column)) {
    const found = [whole, ends].map((index) => (index.get(name) ?? []).filter(fits));
    const [some] = found.filter(({ length }) => length > 0);
    if (some !== undefined) return some.length === 1 ? some[0] : undefined;
  }
  return undefined;
}

/** What a column's name may say of the table that it names, the longest first. */
function tablesNamedBy(column: string): string[] {
  const words = wordsOf(column);
  const last = words.at(-1) ?? '';
  if (last === 'id' || last === 'key' || last === 'code') {
    const stem = words.slice(0, -1);
    return stem.map((_, start) => stem.slice(start).join('_'));
  }
  const stuck = words.length === 1 ? /^(.+)id$/.exec(last)?.[1] : undefined;
  return stuck === undefined ? [] : [stuck];
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
