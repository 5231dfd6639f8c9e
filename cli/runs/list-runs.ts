import type pg from 'pg';
import { ledgerTable } from '../../shared/ledger/schema/ledger-schema.ts';
import { formatRunId, type RunId } from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { listRuns, type RunRecord, readRunRecord } from '../../shared/records/plan/run-record.ts';
import { withClient } from '../database/with-client.ts';
import { hasLedger } from '../site/ledger.ts';
import type { Site } from '../site/site.ts';
import { type Answer, askPart } from '../status/evidence/ask.ts';

/** A run, and what came of it. */
export interface RunSummary {
  run: RunId;
  /** ISO 8601. */
  plannedAt: string;
  generation: string;
  slices: number;
  /** Source tables. */
  tables: string[];
  /** Tables that could not be planned. */
  failures: number;
  /** null where the warehouse was not asked. */
  loadedObjects: number | null;
  loadedRows: number | null;
  /** When its last object was loaded first, ISO 8601. */
  loadedAt: string | null;
}

export interface ListedRuns {
  /** The newest first. */
  runs: RunSummary[];
  /** Why the warehouse did not answer; null where it did. */
  warehouse: string | null;
}

export async function listNewestRuns(
  site: Site,
  { limit, now }: { limit: number; now: Date },
): Promise<ListedRuns> {
  const ids = (await findNewestRuns(site.ingested, { limit, now })).toReversed();
  const records = await Promise.all(ids.map((run) => readRunRecord(site.ingested, run)));
  const loaded = await askLoaded(site, ids);
  return {
    runs: records.flatMap((record) => (record === undefined ? [] : [summarize(record, loaded)])),
    warehouse: loaded.answered ? null : loaded.reason,
  };
}

/** Seconds that are looked back, in this order: a watch leaves thousands of records a day. */
const windows = [3600, 86_400, 7 * 86_400, 400 * 86_400];

/** The oldest of them first. */
export async function findNewestRuns(
  ingested: Pick<ObjectStore, 'list'>,
  { limit, now }: { limit: number; now: Date },
): Promise<RunId[]> {
  let runs: RunId[] = [];
  for (const seconds of windows) {
    runs = [];
    const oldest = formatRunId(new Date(now.getTime() - seconds * 1000), '0000');
    for await (const run of listRuns(ingested, oldest)) runs.push(run);
    if (runs.length >= limit) return runs.slice(-limit);
  }
  return runs;
}

interface LoadedOfRun {
  run: RunId;
  objects: number;
  rows: number;
  loadedAt: string;
}

const askLoaded = (site: Site, runs: readonly RunId[]): Promise<Answer<LoadedOfRun[]>> =>
  askPart(site, ({ connectWarehouse }) =>
    withClient(connectWarehouse(), async (client) =>
      (await hasLedger(client)) ? selectLoaded(client, runs) : [],
    ),
  );

/** Of several revisions of an object the newest one counts. */
async function selectLoaded(client: pg.ClientBase, runs: readonly RunId[]): Promise<LoadedOfRun[]> {
  const { rows } = await client.query<LoadedOfRun>(
    `select run, count(*)::float8 as objects, sum(rows)::float8 as rows,
            to_char(max(entered_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "loadedAt"
       from (select distinct on (warehouse_table, run, slice) run, rows, entered_at
               from ${ledgerTable} where run = any ($1)
              order by warehouse_table, run, slice, revision desc) as newest
      group by run`,
    [runs],
  );
  return rows;
}

function summarize(record: RunRecord, loaded: Answer<LoadedOfRun[]>): RunSummary {
  const { run, plannedAt, generation, slices, failures } = record;
  const own = loaded.answered ? loaded.value.find((each) => each.run === run) : undefined;
  const otherwise = loaded.answered ? 0 : null;
  return {
    run,
    plannedAt,
    generation,
    slices: slices.length,
    tables: [...new Set(slices.map(({ table }) => table))],
    failures: failures.length,
    loadedObjects: own?.objects ?? otherwise,
    loadedRows: own?.rows ?? otherwise,
    loadedAt: own?.loadedAt ?? null,
  };
}
