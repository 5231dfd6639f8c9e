import { TerminalError } from '../errors.ts';
import type { Fact, WarehouseTable } from '../star-schema/assemble.ts';

/**
 * The columns that tell a table's rows apart: a dimension's key; a fact's key with the date and the time of
 * last_updated, for facts keep every version of a row.
 *
 * @throws {TerminalError} a fact has no columns made of last_updated
 */
export function businessKey(table: WarehouseTable): readonly string[] {
  if (table.kind !== 'fact') return [table.key];
  return [table.key, madeOfLastUpdated(table, 'date of'), madeOfLastUpdated(table, 'time of')];
}

function madeOfLastUpdated(fact: Fact, kind: 'date of' | 'time of'): string {
  const column = fact.columns.find(({ from }) => from.kind === kind && from.field === 'last_updated');
  if (column === undefined) {
    throw new TerminalError(`${fact.name} has no column for the ${kind} last_updated`, { table: fact.name });
  }
  return column.name;
}
