import type { Model } from '../../shared/model/model.ts';
import { UsageError } from '../terminal/usage-error.ts';

/** The tables that one name stands for. */
export interface NamedTables {
  /** Source tables. */
  sources: readonly string[];
  /** Warehouse tables. */
  tables: readonly string[];
}

/**
 * Reads --table. A source table stands for itself and for the warehouse tables made from it, a warehouse table for
 * itself and the source table that it is made from: both are the same rows on their way.
 *
 * @throws {UsageError} the model has no table of this name
 */
export function parseTable(name: string, model: Model): NamedTables {
  const source = model.sources.find((candidate) => candidate.name === name);
  if (source !== undefined) return { sources: [name], tables: source.feeds };
  const table = model.tables.find((candidate) => candidate.name === name);
  if (table !== undefined) {
    return { sources: table.kind === 'calendar' ? [] : [table.source.name], tables: [name] };
  }
  const names = [...model.sources, ...model.tables].map((each) => each.name);
  throw new UsageError(`--table ${name} is not a table of the model; the tables are ${names.join(', ')}`);
}

/** All tables where no name was given. */
export const parseTableOption = (name: string | undefined, model: Model): NamedTables =>
  name === undefined
    ? { sources: model.sources.map((each) => each.name), tables: model.tables.map((each) => each.name) }
    : parseTable(name, model);

export const hasTable = ({ sources, tables }: NamedTables, name: string | undefined): boolean =>
  name !== undefined && (sources.includes(name) || tables.includes(name));
