import type pg from 'pg';
import { parkedTable } from '../../shared/ledger/schema/ledger-schema.ts';
import type { Dimension, Fact, Model } from '../../shared/model/model.ts';
import { quoteIdentifier, quoteQualified } from '../../shared/postgres/identifier.ts';
import { isNewer, matches } from '../../shared/warehouse/is-newer.ts';
import { businessKey } from '../../shared/warehouse/warehouse-schema.ts';
import { parseTable } from '../options/named-tables.ts';
import { UsageError } from '../terminal/usage-error.ts';

/** Which waiting rows: those of these facts, or of them those that wait for this dimension. */
export interface WaitingSelection {
  facts: readonly Fact[];
  dimension?: Dimension;
}

/** A dimension row that is missing, and how many rows of a fact wait for it. */
export interface MissingDimensionRow {
  /** The fact. */
  table: string;
  /** Its column that names the dimension row. */
  column: string;
  dimension: string;
  /** The dimension row's key. */
  key: string;
  rows: number;
}

/**
 * Reads --table: a fact, or a dimension that facts wait for; or the source table of either.
 *
 * @throws {UsageError} the model has no such table, or no fact waits for it ever
 */
export function parseWaitingSelection(name: string | undefined, model: Model): WaitingSelection {
  const facts = model.tables.filter((table) => table.kind === 'fact');
  if (name === undefined) return { facts };
  const named = parseTable(name, model).tables.map((each) => model.table(each));
  const namedFacts = named.filter((table) => table.kind === 'fact');
  if (namedFacts.length > 0) return { facts: namedFacts };
  const dimension = named.find((table) => table.kind !== 'fact' && table.kind !== 'calendar');
  if (dimension === undefined) throw new UsageError(`--table ${name}: no row ever waits for it`);
  return { facts, dimension };
}

/** The dimension rows that facts wait for; a fact's row that lacks two is counted with both. */
export async function listMissing(
  warehouse: pg.ClientBase,
  model: Model,
  schema: string,
  { facts, dimension }: WaitingSelection,
): Promise<MissingDimensionRow[]> {
  const missing: MissingDimensionRow[] = [];
  for (const fact of facts) {
    for (const reference of referencesOf(fact, model)) {
      if (dimension !== undefined && reference.dimension.name !== dimension.name) continue;
      const { rows } = await warehouse.query<{ key: string; rows: number }>(
        `select p.${quoteIdentifier(reference.column)}::text as key, count(*)::float8 as rows
         from ${parkedTable(fact.name)} p
         where ${lacks(reference, schema)} and ${waits(fact, schema)}
         group by 1 order by 2 desc, 1`,
      );
      const { column } = reference;
      const subject = { table: fact.name, column, dimension: reference.dimension.name };
      missing.push(...rows.map((row) => ({ ...subject, ...row })));
    }
  }
  return missing;
}

export interface DimensionReference {
  column: string;
  dimension: Dimension;
}

/** The dimensions whose rows a fact's rows wait for. */
export const referencesOf = (fact: Fact, model: Model): DimensionReference[] =>
  fact.columns.flatMap(({ name, references }) => {
    const dimension = references === undefined ? undefined : model.table(references);
    const isWaitedFor = dimension?.kind === 'dimension' || dimension?.kind === 'table';
    return isWaitedFor ? [{ column: name, dimension }] : [];
  });

/** An SQL condition on a parked row `p`. */
export const lacks = ({ column, dimension }: DimensionReference, schema: string): string => {
  const named = `p.${quoteIdentifier(column)}`;
  const dimensionTable = quoteQualified(schema, dimension.name);
  const [key = ''] = dimension.key;
  return `${named} is not null and not exists (
    select from ${dimensionTable} d where d.${quoteIdentifier(key)} = ${named}
  )`;
};

/** An SQL condition on a parked row `p`: it lacks a row of the dimension, of any where none is named. */
export function waitsFor(fact: Fact, model: Model, schema: string, dimension: Dimension | undefined): string {
  const lacking = referencesOf(fact, model)
    .filter((reference) => dimension === undefined || reference.dimension.name === dimension.name)
    .map((reference) => `(${lacks(reference, schema)})`);
  return `(${['false', ...lacking].join(' or ')}) and ${waits(fact, schema)}`;
}

/** An SQL condition on a parked row `p`: all the dimension rows that it names are there, and it is not put in yet. */
export const waitsForNothing = (fact: Fact, model: Model, schema: string): string =>
  [
    waits(fact, schema),
    ...referencesOf(fact, model).map((reference) => `not (${lacks(reference, schema)})`),
  ].join(' and ');

/** A parked row that the warehouse has as new or newer waits for nothing. */
const waits = (fact: Fact, schema: string): string => `not exists (
    select from ${quoteQualified(schema, fact.name)} t
    where ${matches(businessKey(fact).map(quoteIdentifier), 'p', 't')} and not ${isNewer('p', 't')}
  )`;
