import type { TableCount } from '../../../shared/ledger/table-counts.ts';
import { quoteIdentifier } from '../../../shared/postgres/identifier.ts';
import { commandFor, type Site } from '../../site/site.ts';
import { formatCount, formatRows } from '../../terminal/wording.ts';
import type { Trouble } from './trouble.ts';

type Told = Exclude<TableCount['state'], 'equal'>;

const kinds = {
  missing: 'missing',
  different: 'emptied',
  forbidden: 'forbidden',
  rebuilding: 'rebuilding',
} as const satisfies Record<Told, Trouble['kind']>;

/**
 * One trouble for all tables of a kind: a TRUNCATE CASCADE empties several, and one command rebuilds them. In the words of
 * `status` and of a run's report alike.
 */
export function describeChangedTables(
  counts: readonly TableCount[],
  state: Told,
  site: Pick<Site, 'selector'>,
): Trouble[] {
  const found = counts.filter((count) => count.state === state);
  const [first] = found;
  if (first === undefined) return [];
  const names = found.map(({ table }) => table);
  const isRebuilt = state === 'missing' || state === 'different';
  return [
    {
      kind: kinds[state],
      table: found.length === 1 ? first.table : null,
      text:
        state === 'forbidden'
          ? describeForbidden(names, first.role ?? 'the connection')
          : found.map(describeCount).join('; '),
      command: commandFor(site, isRebuilt ? `rebuild ${names.join(' ')}` : 'run'),
    },
  ];
}

/**
 * Whether a failure of these tables' loads is told by the tables themselves: no load can succeed before they are back, and
 * the rebuild, or a redrive after the grant, is due only then.
 */
export const isToldByTable = (
  counts: readonly TableCount[],
  { table, queue }: { table?: string | null | undefined; queue: string },
): boolean =>
  queue === 'load' &&
  counts.some((count) => count.table === table && (count.state === 'missing' || count.state === 'forbidden'));

function describeCount({ table, state, loaded, holds, unloaded }: TableCount): string {
  const were = `${formatRows(loaded)} ${loaded === 1 ? 'was' : 'were'} loaded`;
  if (state === 'missing') return `the warehouse no longer has ${table}: ${were} into it`;
  if (state === 'rebuilding') {
    const objects = unloaded === 1 ? '1 object is' : `${formatCount(unloaded)} objects are`;
    return `${table} is being rebuilt, and ${objects} still to be loaded`;
  }
  const verb = (holds ?? 0) < loaded ? 'was emptied or replaced' : 'was changed by somebody else';
  return `${table} ${verb}: ${were}, it holds ${formatCount(holds ?? 0)}`;
}

function describeForbidden(names: readonly string[], role: string): string {
  const tables = names.join(', ');
  return (
    `${role} may not read ${tables} in the warehouse (SQLSTATE 42501). Their owner can allow it: ` +
    `grant select, insert, update, delete on ${tables} to ${quoteIdentifier(role)}`
  );
}
