import type pg from 'pg';
import type { Model, WarehouseTable } from '../model/model.ts';
import { type ObjectKey, parseKnownKey, type RunId } from '../object-store/object-key.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { readDropped } from '../records/dropped.ts';
import { knownOf, readCaptureState } from '../records/plan/capture-state.ts';
import { readRunRecord } from '../records/plan/run-record.ts';
import { isAccountedFor, type KnownSlices, makeKnownSlices, type SliceId } from '../records/plan/slices.ts';
import { ledgerTable } from './schema/ledger-schema.ts';

/** Objects of a source table that an operator has discarded, and whose rows nothing has brought since. */
export interface DroppedRows {
  /** The source table. */
  table: string;
  objects: number;
  /** ISO 8601: the last of them. */
  droppedAt: string;
}

type Ingested = Pick<ObjectStore, 'get' | 'list'>;

/** What one discarded object was to bring. */
interface DroppedObject {
  source: string;
  /** The warehouse tables that it was meant for. */
  tables: readonly string[];
  run: RunId;
  slice: SliceId;
  droppedAt: string;
}

/**
 * Finds the discarded objects whose rows are not in the warehouse: neither is the object loaded after all, as by a replay or
 * a rebuild, nor has a later run that has read all of the table been loaded.
 *
 * @param client the warehouse's, which has a ledger
 * @returns by source table, in the model's order
 * @throws {TerminalError} a record below `state/` is not what Starlift writes
 */
export async function findDroppedRows(
  client: pg.ClientBase,
  ingested: Ingested,
  model: Model,
): Promise<DroppedRows[]> {
  const dropped = (await readDropped(ingested)).flatMap(({ key, droppedAt }) => {
    const parsed = parseKnownKey(key);
    return parsed === undefined ? [] : describeObject(parsed, droppedAt, model);
  });
  if (dropped.length === 0) return [];
  const full = await readFullRuns(ingested, new Set(dropped.map(({ source }) => source)));
  const loaded = await selectLoaded(client, [...dropped, ...full.values()]);
  const missing = dropped.filter(({ source, tables, run, slice }) => {
    const later = full.get(source);
    return !tables.every(
      (table) =>
        isAccountedFor(loaded, table, { run, slice }) ||
        (later !== undefined && later.run > run && isLoaded(later, table, loaded)),
    );
  });
  return model.sources.flatMap(({ name }) => {
    const objects = missing.filter(({ source }) => source === name);
    const last = objects
      .map(({ droppedAt }) => droppedAt)
      .toSorted()
      .at(-1);
    return last === undefined ? [] : [{ table: name, objects: objects.length, droppedAt: last }];
  });
}

/** @returns none for what feeds no warehouse table by itself: each fact brings the days that it names */
function describeObject(
  { zone, table, run, slice, census }: ObjectKey,
  droppedAt: string,
  model: Model,
): DroppedObject[] {
  // A census brings no rows, and the next one says the same.
  if (census !== undefined) return [];
  if (zone === 'processed') {
    const source = sourceOf(model.tables.find(({ name }) => name === table));
    return source === undefined ? [] : [{ source, tables: [table], run, slice, droppedAt }];
  }
  const tables = model.sources.find(({ name }) => name === table)?.feeds ?? [];
  return tables.length === 0 ? [] : [{ source: table, tables, run, slice, droppedAt }];
}

const sourceOf = (table: WarehouseTable | undefined): string | undefined =>
  table === undefined || table.kind === 'calendar' ? undefined : table.source.name;

interface FullRun {
  run: RunId;
  slices: SliceId[];
}

/** The last run that has read all of a table, by source table. */
async function readFullRuns(
  ingested: Ingested,
  sources: ReadonlySet<string>,
): Promise<ReadonlyMap<string, FullRun>> {
  const tables = (await readCaptureState(ingested))?.state.tables ?? {};
  const found = new Map<string, FullRun>();
  for (const source of sources) {
    const run = knownOf({ tables }, source)?.fullRun;
    const record = run === undefined ? undefined : await readRunRecord(ingested, run);
    const slices = record?.slices.filter(({ table }) => table === source).map(({ slice }) => slice) ?? [];
    if (run !== undefined && slices.length > 0) found.set(source, { run, slices });
  }
  return found;
}

async function selectLoaded(client: pg.ClientBase, runs: readonly { run: RunId }[]): Promise<KnownSlices> {
  const { rows } = await client.query<{ table: string; run: RunId; slice: SliceId }>(
    `select distinct warehouse_table as table, run, slice from ${ledgerTable} where run = any($1)`,
    [[...new Set(runs.map(({ run }) => run))]],
  );
  const loaded = makeKnownSlices();
  for (const { table, ...slice } of rows) loaded.add(table, slice);
  return loaded;
}

const isLoaded = ({ run, slices }: FullRun, table: string, loaded: KnownSlices): boolean =>
  slices.every((slice) => isAccountedFor(loaded, table, { run, slice }));
