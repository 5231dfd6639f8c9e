import { beginRebuild, type EnteredSlice, selectEnteredSlices } from '../../shared/ledger/rebuild.ts';
import type { Model } from '../../shared/model/model.ts';
import { makeNewestRevisions } from '../../shared/object-store/newest-revisions.ts';
import { formatObjectKey, parseObjectKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { listTables } from '../../shared/sweep/find-lost.ts';
import { prepareWarehouse } from '../../shared/warehouse/ensure-warehouse.ts';
import { listMissingTables } from '../../shared/warehouse/missing-tables.ts';
import { makeReplayId, sendReplay } from '../replay/replay.ts';
import { hasLedger } from '../site/ledger.ts';
import { commandFor, type Site } from '../site/site.ts';
import { UsageError } from '../terminal/usage-error.ts';

export interface RebuiltTable {
  table: string;
  /** The source table to read where objects are lost; null for the calendar. */
  source: string | null;
  /** The table was gone. */
  isMade: boolean;
  /** Processed objects that are loaded again. */
  loaded: number;
  /** Ingested objects that are transformed again, because S3 has lost what was made of them. */
  transformed: number;
  /** Slices that no longer have an object in S3. */
  lost: number;
}

type RebuildSite = Pick<
  Site,
  'ingested' | 'processed' | 'sqs' | 'queueUrl' | 'connectWarehouse' | 'warehouseSchema' | 'selector'
>;

/**
 * Brings back the rows of tables that were dropped, emptied or thinned out: makes a table that is gone, and sends the
 * newest object of each of its slices to be loaded again. Rows that are there stay.
 *
 * @param tables warehouse tables
 * @throws {UsageError} nothing was ever loaded, or a table that is not named has vanished as well
 * @throws {TerminalError} a table has other columns than the model's
 */
export async function rebuild(
  site: RebuildSite,
  model: Model,
  tables: readonly string[],
  now: Date = new Date(),
): Promise<RebuiltTable[]> {
  const { made, entered } = await prepareTables(site, model, tables);
  const id = makeReplayId(now);
  const rebuilt: RebuiltTable[] = [];
  for (const table of tables) {
    const { loads, transforms, lost } = await findObjects(site, model, table, entered.get(table) ?? []);
    await sendReplay(site, model, { zone: 'processed', id, keys: loads, now });
    await sendReplay(site, model, { zone: 'ingested', id, keys: transforms, now });
    const definition = model.table(table);
    rebuilt.push({
      table,
      source: definition.kind === 'calendar' ? null : definition.source.name,
      isMade: made.has(table),
      loaded: loads.length,
      transformed: transforms.length,
      lost,
    });
  }
  return rebuilt;
}

async function prepareTables(site: RebuildSite, model: Model, tables: readonly string[]) {
  const { warehouseSchema: schema } = site;
  const warehouse = await site.connectWarehouse();
  try {
    if (!(await hasLedger(warehouse))) {
      throw new UsageError(
        `nothing was ever loaded into this warehouse, so nothing can be rebuilt: ${commandFor(site, 'run')}`,
      );
    }
    const missing = await listMissingTables(warehouse, model, schema);
    // Where keys are to be enforced, the next load adds that.
    const options = { schema, foreignKeys: 'declared', remade: tables } as const;
    const refused = await prepareWarehouse(warehouse, model, options).catch((error: unknown) => {
      throw explainOthers(error, { site, missing, tables });
    });
    for (const table of tables) {
      const refusal = refused.get(table);
      if (refusal !== undefined) throw refusal;
    }
    const isCounted = (table: string) => model.table(table).kind !== 'calendar';
    await beginRebuild(warehouse, schema, tables.filter(isCounted));
    const entered = new Map<string, EnteredSlice[]>();
    for (const table of tables) entered.set(table, await selectEnteredSlices(warehouse, table));
    return { made: new Set(missing), entered };
  } finally {
    await warehouse.end();
  }
}

/** A table cannot be made while another that has vanished with its rows is left out: its keys may lead to that one. */
function explainOthers(
  error: unknown,
  { site, missing, tables }: { site: RebuildSite; missing: readonly string[]; tables: readonly string[] },
): unknown {
  const others = missing.filter((table) => !tables.includes(table));
  if (others.length === 0) return error;
  const command = commandFor(site, `rebuild ${[...tables, ...others].join(' ')}`);
  return new UsageError(
    `the warehouse has lost ${others.join(', ')} as well. Rebuild them together: ${command}`,
    {
      cause: error,
    },
  );
}

interface FoundObjects {
  /** Keys of processed objects. */
  loads: string[];
  /** Keys of ingested objects. */
  transforms: string[];
  lost: number;
}

async function findObjects(
  { ingested, processed }: Pick<Site, 'ingested' | 'processed'>,
  model: Model,
  table: string,
  entered: readonly EnteredSlice[],
): Promise<FoundObjects> {
  const newest = makeNewestRevisions();
  for (const { key } of await listTables(processed, [table])) {
    const parsed = parseObjectKey(key);
    if (parsed.zone === 'processed') newest.add(parsed);
  }
  const loads = newest.all().map(formatObjectKey);
  // The check of the table's rows waits for the newest revision that was ever loaded, or a newer one.
  const gone = entered.filter(({ run, slice, revision }) => {
    const stored = newest.of({ zone: 'processed', table, run, slice, revision });
    return stored === undefined || stored.revision < revision;
  });
  if (gone.length === 0) return { loads, transforms: [], lost: 0 };
  const found = await findIngested(ingested, sourcesOf(table, model));
  const transforms = gone.flatMap(({ run, slice }) => found.get(`${run}-${slice}`) ?? []);
  return { loads, transforms, lost: gone.length - transforms.length };
}

/** @returns the keys of the source tables' objects, by `<run>-<slice>`: a slice's number is unique within its run */
async function findIngested(
  ingested: Pick<ObjectStore, 'list'>,
  sources: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const objects = await listTables(ingested, sources);
  return new Map(
    objects.map(({ key }) => {
      const { run, slice } = parseObjectKey(key);
      return [`${run}-${slice}`, key];
    }),
  );
}

/** The calendar's rows come with those of the facts. */
function sourcesOf(table: string, model: Model): string[] {
  const definition = model.table(table);
  if (definition.kind !== 'calendar') return [definition.source.name];
  return model.tables.flatMap((each) => (each.kind === 'fact' ? [each.source.name] : []));
}
