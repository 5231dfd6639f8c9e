import type { ColumnDefinition, ModelDefinition, TableDefinition } from '../../shared/model/define.ts';
import { asNamedIn } from '../../shared/model/renames.ts';
import { sourceNameOf } from '../../shared/model/source-name.ts';
import { backfillKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { parseStateRecord } from '../../shared/records/json-record.ts';

type Definition = Extract<TableDefinition, { kind: 'fact' | 'dimension' | 'table' }>;

/**
 * The warehouse tables that are filled from S3, which has every version that was ever captured: those that have rows already and
 * get values that these lack (a new column, or one that is made of something else now), and new ones of a source table that an
 * earlier model read, too. The tables that a migration fills are not among them.
 */
export function findTablesToBackfill(before: ModelDefinition, after: ModelDefinition): string[] {
  const known = new Map(definitionsOf(asNamedIn(before, after)).map((table) => [table.name, table]));
  const captured = new Set(
    before.tables.flatMap((table) => (table.kind === 'calendar' ? [] : sourceNameOf(table.source))),
  );
  const filled = new Set(after.migration?.tables.map(({ next }) => next));
  return definitionsOf(after).flatMap((table) => {
    const earlier = known.get(table.name);
    const isFilled =
      earlier === undefined
        ? captured.has(sourceNameOf(table.source)) && !filled.has(table.name)
        : hasOtherValues({ table: earlier, model: before }, { table, model: after });
    return isFilled ? [table.name] : [];
  });
}

interface OfModel {
  table: Definition;
  model: ModelDefinition;
}

function hasOtherValues(before: OfModel, after: OfModel): boolean {
  const describe = (column: ColumnDefinition | undefined, { lookups }: ModelDefinition) =>
    JSON.stringify([
      column?.from,
      column?.type,
      column?.from.lookup === undefined ? null : lookups?.[column.from.lookup],
    ]);
  return Object.entries(after.table.columns).some(
    ([name, column]) => describe(column, after.model) !== describe(before.table.columns[name], before.model),
  );
}

const definitionsOf = ({ tables }: ModelDefinition): Definition[] =>
  tables.filter((table) => table.kind !== 'calendar' && table.kind !== 'ingested only');

/** Called before the model is published: whoever publishes may die before the tables are sent. */
export async function noteBackfill(
  ingested: Pick<ObjectStore, 'get' | 'put'>,
  tables: readonly string[],
): Promise<void> {
  if (tables.length === 0) return;
  const all = new Set([...(await readNotedBackfill(ingested)), ...tables]);
  await ingested.put(backfillKey, Buffer.from(JSON.stringify({ version: 1, tables: [...all] })));
}

/** The tables whose objects are still to be sent. */
export async function readNotedBackfill(ingested: Pick<ObjectStore, 'get'>): Promise<string[]> {
  const stored = await ingested.get(backfillKey);
  if (stored === undefined) return [];
  const isValid = ({ tables }: Record<string, unknown>) =>
    Array.isArray(tables) && tables.every((table) => typeof table === 'string');
  return parseStateRecord(backfillKey, stored.body, isValid).tables as string[];
}
