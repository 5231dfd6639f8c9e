import type { ColumnDefinition, ModelDefinition, TableDefinition } from '../../shared/model/define.ts';
import { asNamedIn } from '../../shared/model/renames.ts';
import { sourceNameOf } from '../../shared/model/source-name.ts';
import { backfillKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { parseStateRecord } from '../../shared/records/json-record.ts';

type Definition = Extract<TableDefinition, { kind: 'fact' | 'dimension' | 'table' }>;

/**
 * The warehouse tables that have rows already and get values that those lack: a new column, or one that is made of something
 * else now; and those that are to have every version. The rows are in S3 in every version that was ever captured.
 */
export function findTablesToBackfill(before: ModelDefinition, after: ModelDefinition): string[] {
  const known = new Map(definitionsOf(asNamedIn(before, after)).map((table) => [table.name, table]));
  return definitionsOf(after).flatMap((table) => {
    const earlier = known.get(table.name);
    if (earlier === undefined) return isHistoryOfKnown(table, before) ? [table.name] : [];
    const isChanged = ([name, { from, type }]: [string, ColumnDefinition]) => {
      const column = earlier.columns[name];
      const now = [from, type, from.lookup === undefined ? null : after.lookups?.[from.lookup]];
      const then = [
        column?.from,
        column?.type,
        column?.from.lookup === undefined ? null : before.lookups?.[column.from.lookup],
      ];
      return JSON.stringify(now) !== JSON.stringify(then);
    };
    return Object.entries(table.columns).some(isChanged) ? [table.name] : [];
  });
}

/** The plan reads the latest state in full; what was before it is in S3 alone. */
const isHistoryOfKnown = (table: Definition, { tables }: ModelDefinition): boolean =>
  table.kind !== 'fact' &&
  table.history === true &&
  tables.some(
    (known) => known.kind !== 'calendar' && sourceNameOf(known.source) === sourceNameOf(table.source),
  );

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
