import { createHash } from 'node:crypto';
import type { SourceTable, StarSchema, WarehouseTable } from '../../shared/star-schema/assemble.ts';
import type { WarehouseType } from '../../shared/star-schema/define.ts';
import type { TableFingerprint, TableState } from './capture-state.ts';

/**
 * What the model makes of a source table, as a hash: what an extract reads of it, and the warehouse tables that it feeds.
 * Where either changes, rows that were captured before have to come once more.
 *
 * Each part is named here, so that a property that is new to the model's types does not change every table's hash.
 */
export function fingerprintModel(model: StarSchema, source: SourceTable): string {
  const fields = source.fields.map(({ name, type }) => [name, type]);
  const joins = source.joins.map(({ table, on }) => [table, Object.entries(on)]);
  const feeds = model.tables.flatMap((table) =>
    table.kind !== 'calendar' && table.source.name === source.name ? [describeTable(table, model)] : [],
  );
  return createHash('sha256')
    .update(JSON.stringify([fields, joins, feeds]))
    .digest('hex');
}

function describeTable(table: Exclude<WarehouseTable, { kind: 'calendar' }>, { calendar }: StarSchema) {
  const columns = table.columns.map(({ name, type, from, nullable, references }) => [
    name,
    describeType(type),
    from.kind,
    from.field,
    nullable,
    references ?? null,
  ]);
  if (table.kind === 'dimension') return [table.kind, table.name, table.key, columns];
  // A fact brings the calendar's rows along.
  const days = calendar.columns.map(({ name, type }) => [name, describeType(type)]);
  return [table.kind, table.name, table.key, table.surrogateKey, columns, calendar.name, calendar.key, days];
}

const describeType = (type: WarehouseType): string =>
  type.name === 'numeric' ? `numeric(${type.precision},${type.scale})` : type.name;

/** Whether a table is what it was at the last plan, so that only new rows have to be read. */
export const isAsKnown = (known: TableState | undefined, now: Required<TableFingerprint>): boolean =>
  known !== undefined &&
  'source' in known &&
  known.source === now.source &&
  // A state of version 1 does not know the model: there is no telling that it was another one.
  (known.model === undefined || known.model === now.model);

/**
 * Whether a full extract may see what an earlier extract of the table has seen, and must be of a greater version all the
 * same. Where only the table's own definition changed, the statement that changed it has made the version greater.
 */
export const needsNewerVersion = (known: TableState | undefined, now: Required<TableFingerprint>): boolean =>
  !isAsKnown(known, now) && !(known !== undefined && 'source' in known && known.model === now.model);
