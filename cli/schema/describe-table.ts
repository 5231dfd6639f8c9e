import { type Derivation, formatType } from '../../shared/model/define.ts';
import { isHistory, validFromColumn, validToColumn } from '../../shared/model/history.ts';
import type { CalendarColumn, WarehouseColumn, WarehouseTable } from '../../shared/model/model.ts';
import type { CurrentView } from '../../shared/warehouse/current/current-view.ts';
import { businessKey } from '../../shared/warehouse/warehouse-schema.ts';
import { formatTable } from '../terminal/table.ts';

/** A warehouse table for a reader. */
export interface DescribedTable {
  name: string;
  /** What it is made from. */
  source: string;
  columns: DescribedColumn[];
}

export interface DescribedColumn {
  name: string;
  type: string;
  nullable: boolean;
  /** Its part in keys, in words; empty where it has none. */
  key: string;
  /** What it is made from. */
  from: string;
}

export function describeTable(table: WarehouseTable): DescribedTable {
  const columns = table.columns.map(
    (column): DescribedColumn => ({
      name: column.name,
      type: formatType(column.type),
      nullable: column.nullable,
      key: formatKey(table, column),
      from: 'from' in column ? formatOrigin(column.from) : 'the date',
    }),
  );
  if (table.kind === 'fact' && table.surrogateKey !== undefined) {
    const numbered = { type: 'bigserial', nullable: false, key: 'primary key', from: 'numbered' };
    columns.unshift({ name: table.surrogateKey, ...numbered });
  }
  return { name: table.name, source: formatSource(table), columns };
}

/** The same as lines: what it is made from, then its columns, types, keys and origins. */
export function formatDescribedTable(table: WarehouseTable): string[] {
  const { name, source, columns } = describeTable(table);
  const rows = columns.map((column) => [
    column.name,
    `${column.type}${column.nullable ? '' : ' not null'}`,
    column.key,
    column.from,
  ]);
  const names = ['column', 'type', 'key', 'from'].map((each) => ({ name: each }));
  return [`${name}: ${source}`, ...formatTable(names, rows).map((line) => line.trimEnd())];
}

export function describeView({ key, versions, compared }: CurrentView): string {
  if (compared !== undefined)
    return `a view of the versions of each ${key.join(', ')}, each with the time for which it held: from ${validFromColumn} until before ${validToColumn}`;
  const of = versions.length === 0 ? 'the rows' : `the version with the greatest ${versions.join(', ')}`;
  return `a view of ${of} of each ${key.join(', ')} that is not deleted`;
}

function formatSource(table: WarehouseTable): string {
  if (table.kind === 'calendar') return 'every date that a fact names, and the calendar years around them';
  const { source } = table;
  const joins = source.joins.map(({ path, name, from = source.name, match }) => {
    const conditions = Object.entries(match).map(([near, far]) => `${from}.${near} = ${path}.${far}`);
    return ` left join ${name}${path === name ? '' : ` as ${path}`} on ${conditions.join(' and ')}`;
  });
  const hasVersions = table.kind === 'fact' ? table.versions.length > 0 : isHistory(table);
  const content = hasVersions ? 'every version that was captured' : 'the latest state';
  return `from ${source.name}${joins.join('')}; ${content}`;
}

function formatKey(table: WarehouseTable, column: WarehouseColumn | CalendarColumn): string {
  const keys = businessKey(table).includes(column.name)
    ? [table.kind === 'fact' ? 'business key' : 'primary key']
    : [];
  if ('references' in column && column.references !== undefined) keys.push(`-> ${column.references}`);
  return keys.join(', ');
}

function formatOrigin({ kind, field, lookup }: Derivation): string {
  switch (kind) {
    case 'field':
      return field;
    case 'date':
      return `${field}, a text`;
    case 'text':
      return `the text of ${field}`;
    case 'lookup':
      return `${field} looked up in ${lookup}`;
    default:
      return `the ${kind} ${field}`;
  }
}
