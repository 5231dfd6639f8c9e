import { createHash } from 'node:crypto';
import { censusFieldsOf } from '../../shared/census/census-table.ts';
import type { Dimension, Fact, Model, SourceTable } from '../../shared/model/model.ts';
import type { ObjectVersion } from '../../shared/object-store/object-metadata.ts';
import { UsageError } from '../terminal/usage-error.ts';
import type { TracedKey } from '../trace/traced-key.ts';
import { canonicalText, type KeyKind } from './key-text.ts';

/** Rows that are to be removed: those of a source table that have these values. */
export interface RowsToForget {
  source: SourceTable;
  /** Of the source's lines, each with the value that it must have. */
  fields: readonly WantedField[];
  /** The warehouse tables that are made of them. */
  tables: readonly TableToClean[];
  /** A census has these fields too. */
  isInCensus: boolean;
}

export interface WantedField {
  field: string;
  value: WantedValue;
}

export interface WantedValue {
  /** As the source writes it. */
  text: string;
  kind: KeyKind;
}

export interface TableToClean {
  table: Dimension | Fact;
  /** Its columns that have the fields, in their order. */
  columns: readonly string[];
}

/** A field of the source's lines, as the user has given its value. */
export interface GivenField {
  field: string;
  text: string;
}

/**
 * Finds the fields of a row's key in the lines of its source.
 *
 * @throws {UsageError} a column of the key is made of something else than one column of the source as it is
 */
export const givenFieldsOf = ({ table, values }: TracedKey): GivenField[] =>
  values.map(({ column, text }) => {
    const from = table.columns.find(({ name }) => name === column)?.from;
    const own = table.source.columns.find(({ name }) => name === from?.field);
    if (from === undefined || own === undefined || !isAsItIs(from.kind)) {
      throw new UsageError(
        `${column}, of the key of ${table.name}, is not a column of ${table.source.name} as it is: the rows of one key cannot be told by it`,
      );
    }
    return { field: own.name, text };
  });

const isAsItIs = (kind: string): boolean => kind === 'field' || kind === 'text';

/**
 * @param fields own columns of the source
 * @param left tables of earlier models, whatever they are made of
 * @throws {UsageError} a warehouse table that is made of the source has no column of one of them
 */
export function rowsToForget(
  source: SourceTable,
  fields: readonly WantedField[],
  model: Pick<Model, 'table'>,
  left: readonly (Dimension | Fact)[] = [],
): RowsToForget {
  const made = [...source.feeds.map(model.table), ...left.filter((each) => each.source.name === source.name)];
  const tables = made.flatMap((table): TableToClean[] =>
    table.kind === 'calendar' ? [] : [{ table, columns: fields.map(({ field }) => columnOf(table, field)) }],
  );
  const known = censusFieldsOf(source).map(({ name }) => name);
  return { source, fields, tables, isInCensus: fields.every(({ field }) => known.includes(field)) };
}

function columnOf(table: Dimension | Fact, field: string): string {
  const column = table.columns.find(({ from }) => from.field === field && isAsItIs(from.kind));
  if (column !== undefined) return column.name;
  throw new UsageError(
    `${table.name} is made of ${table.source.name} too, and has no column that is ${field}: which of its rows are of that key cannot be told. Give it that column; of a table that has left the model, drop it and delete its objects`,
  );
}

/** What may stand in the place of a line or of a row, by the texts of its fields. */
export type IsWanted = (texts: readonly (string | undefined)[]) => boolean;

export function makeIsWanted(fields: readonly WantedField[]): IsWanted {
  const wanted = fields.map(({ value: { kind, text } }) => ({ kind, text: canonicalText(kind, text) }));
  return (texts) =>
    wanted.every(({ kind, text }, index) => {
      const found = texts[index];
      return found !== undefined && (found === text || canonicalText(kind, found) === text);
    });
}

/** Names the row without its values. */
export const hashOf = ({ source, fields }: Pick<RowsToForget, 'source' | 'fields'>): string =>
  createHash('sha256')
    .update(
      JSON.stringify([
        source.name,
        ...fields.map(({ field, value: { kind, text } }) => [field, canonicalText(kind, text)]),
      ]),
    )
    .digest('hex');

/** Whether an object was read before the source was seen without the row, or at that moment. */
export function isUpTo(version: ObjectVersion, last: ObjectVersion): boolean {
  for (const part of ['generation', 'xmax', 'xmin', 'tie'] as const) {
    const difference = BigInt(version[part]) - BigInt(last[part]);
    if (difference !== 0n) return difference < 0n;
  }
  return true;
}
