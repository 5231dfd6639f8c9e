import type { ColumnDefinition, ModelDefinition, TableDefinition } from '../../shared/model/define.ts';
import type { Model } from '../../shared/model/model.ts';
import { backfillKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { parseStateRecord } from '../../shared/records/json-record.ts';
import type { Site } from '../site/site.ts';
import { formatCount } from '../terminal/wording.ts';
import { replay } from './replay.ts';

type Definition = Extract<TableDefinition, { kind: 'fact' | 'dimension' | 'table' }>;

/**
 * The warehouse tables that have rows already and get values that those lack: a new column, or one that is made of something
 * else now. The rows are in S3 in every version that was ever captured.
 */
export function findTablesToBackfill(before: ModelDefinition, after: ModelDefinition): string[] {
  const known = new Map(definitionsOf(before).map((table) => [table.name, table]));
  return definitionsOf(after).flatMap((table) => {
    const earlier = known.get(table.name);
    if (earlier === undefined) return [];
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

const definitionsOf = ({ tables }: ModelDefinition): Definition[] =>
  tables.filter((table) => table.kind !== 'calendar' && table.kind !== 'ingested only');

/** Called before the model is published: whoever publishes may die before the tables are sent. */
export async function noteBackfill(
  ingested: Pick<ObjectStore, 'get' | 'put'>,
  tables: readonly string[],
): Promise<void> {
  if (tables.length === 0) return;
  const all = new Set([...(await readNoted(ingested)), ...tables]);
  await ingested.put(backfillKey, Buffer.from(JSON.stringify({ version: 1, tables: [...all] })));
}

/**
 * Sends the ingested objects of the tables that are noted to be transformed by the model in force, which makes a new revision
 * of each. A row that the source has changed since keeps its newer version.
 *
 * @returns the tables and their number of objects; none where nothing is noted
 */
export async function sendBackfill(
  site: Pick<Site, 'ingested' | 'processed' | 'sqs' | 'queueUrl' | 'connectWarehouse'>,
  model: Model,
): Promise<{ tables: string[]; objects: number }> {
  const noted = await readNoted(site.ingested);
  const tables = noted.filter((name) => model.tables.some((table) => table.name === name));
  const sources = new Set(
    model.tables.flatMap((table) =>
      table.kind !== 'calendar' && tables.includes(table.name) ? [table.source.name] : [],
    ),
  );
  const sent =
    sources.size === 0
      ? []
      : (await replay(site, model, { tables: { sources: [...sources], tables }, zone: 'ingested' })).tables;
  if (noted.length > 0) await site.ingested.delete(backfillKey);
  return { tables, objects: sent.reduce((sum, { objects }) => sum + objects, 0) };
}

async function readNoted(ingested: Pick<ObjectStore, 'get'>): Promise<string[]> {
  const stored = await ingested.get(backfillKey);
  if (stored === undefined) return [];
  const isValid = ({ tables }: Record<string, unknown>) =>
    Array.isArray(tables) && tables.every((table) => typeof table === 'string');
  return parseStateRecord(backfillKey, stored.body, isValid).tables as string[];
}

/** One line about what was sent. */
export const describeBackfill = ({
  tables,
  objects,
}: {
  tables: readonly string[];
  objects: number;
}): string =>
  `${tables.join(', ')}: ${objects === 1 ? '1 object' : `${formatCount(objects)} objects`} in S3 sent again, to fill what is new in the model`;
