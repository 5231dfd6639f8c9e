import type pg from 'pg';
import { ledgerTable } from '../../shared/ledger/schema/ledger-schema.ts';
import { formatRunPrefix, type RunId } from '../../shared/object-store/object-key.ts';
import { type QueueKind, queueKinds } from '../../shared/queue/queue-settings.ts';
import { type RunRecord, readRunRecord } from '../../shared/records/plan/run-record.ts';
import { type Retrying, readRetrying } from '../../shared/records/retrying.ts';
import { withClient } from '../database/with-client.ts';
import { type Failure, listFailures } from '../failures/list-failures.ts';
import { type CountedObject, list, readRows } from '../objects/list-objects.ts';
import { hasLedger, tablesOf } from '../site/ledger.ts';
import type { Site } from '../site/site.ts';
import { type Answer, askPart } from '../status/evidence/ask.ts';
import { UsageError } from '../terminal/usage-error.ts';

/** What became of one run. */
export interface ShownRun {
  run: RunId;
  /** ISO 8601. */
  plannedAt: string;
  generation: string;
  /** When the plan before looked, ISO 8601; null for the first. */
  since: string | null;
  warnings: string[];
  /** Tables that could not be planned. */
  failures: RunRecord['failures'];
  steps: RunStep[];
  tables: TableOfRun[];
  /** Why the warehouse did not answer; null where it did. */
  warehouse: string | null;
}

export interface RunStep {
  step: QueueKind;
  objects: number | null;
  rows: number | null;
  bytes: number | null;
  /** ISO 8601: when the first of its objects was put or loaded, and the last. */
  firstAt: string | null;
  lastAt: string | null;
  /** From the plan to the last of them. */
  seconds: number | null;
  /** Messages of the run that are tried again, and that have failed for good. */
  retrying: number;
  failed: number;
}

export interface TableOfRun {
  /** Of the warehouse; of the source where none is made from it. */
  table: string;
  source: string;
  /** All rows were read, and not only new ones. */
  full: boolean;
  /** That were planned. A slice that was cut has several objects. */
  slices: number;
  extracted: number;
  extractedRows: number | null;
  transformed: number;
  /** Objects; null where the warehouse did not answer. */
  loaded: number | null;
  loadedRows: number | null;
  quarantined: number | null;
}

/** @throws {UsageError} there is no such run */
export async function showRun(site: Site, run: RunId): Promise<ShownRun> {
  const record = await readRunRecord(site.ingested, run);
  if (record === undefined) throw new UsageError(`there is no run ${run}: starlift runs lists them`);
  const sources = [...new Set(record.slices.map(({ table }) => table))].filter((name) =>
    site.model.sources.some((source) => source.name === name),
  );
  const warehouseTables = [...new Set(sources.flatMap((source) => tablesOf(source, site.model)))];
  const listAll = async (zone: 'ingested' | 'processed', tables: readonly string[]) =>
    readRows(
      site,
      (await Promise.all(tables.map((table) => list(site[zone], formatRunPrefix(table, run))))).flat(),
    );
  const [ingested, processed, loaded, retrying, failed] = await Promise.all([
    listAll('ingested', sources),
    listAll('processed', warehouseTables),
    askLoadedObjects(site, run),
    readRetrying(site.ingested),
    listFailures(site),
  ]);
  const isOfRun = (each: Retrying | Failure) =>
    each.key?.includes(run) === true || ('body' in each && each.body.includes(run));
  const messages = {
    retrying: retrying.filter(isOfRun).map(({ queue }) => queue),
    failed: failed.filter(isOfRun).map(({ queue }) => queue),
  };
  const ledger = loaded.answered ? loaded.value : undefined;
  const work = { extract: ingested, transform: processed, load: ledger };
  return {
    run,
    plannedAt: record.plannedAt,
    generation: record.generation,
    since: record.since ?? null,
    warnings: record.warnings,
    failures: record.failures,
    steps: queueKinds.map((step) => describeStep(step, work[step], { record, messages })),
    tables: sources.flatMap((source) =>
      describeTables(source, { site, record, ingested, processed, ledger }),
    ),
    warehouse: loaded.answered ? null : loaded.reason,
  };
}

interface LoadedObject {
  table: string;
  rows: number;
  quarantined: number;
  putAt: string;
}

const askLoadedObjects = (site: Site, run: RunId): Promise<Answer<LoadedObject[]>> =>
  askPart(site, ({ connectWarehouse }) =>
    withClient(connectWarehouse(), async (client) =>
      (await hasLedger(client)) ? selectLoaded(client, run) : [],
    ),
  );

async function selectLoaded(client: pg.ClientBase, run: RunId): Promise<LoadedObject[]> {
  const { rows } = await client.query<LoadedObject>(
    `select distinct on (warehouse_table, slice) warehouse_table as table, rows::float8 as rows,
            quarantined::float8 as quarantined,
            to_char(entered_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "putAt"
       from ${ledgerTable} where run = $1 order by warehouse_table, slice, revision desc`,
    [run],
  );
  return rows;
}

interface StepFacts {
  record: RunRecord;
  messages: { retrying: readonly QueueKind[]; failed: readonly QueueKind[] };
}

function describeStep(
  step: QueueKind,
  done: readonly (CountedObject | LoadedObject)[] | undefined,
  { record, messages }: StepFacts,
): RunStep {
  const times = (done ?? []).map(({ putAt }) => putAt).toSorted();
  const [firstAt = null, lastAt = null] = [times[0], times.at(-1)];
  const count = (queues: readonly QueueKind[]) => queues.filter((queue) => queue === step).length;
  const bytes = done?.flatMap((each) => ('bytes' in each ? [each.bytes] : []));
  return {
    step,
    objects: done?.length ?? null,
    rows: sum(done?.map(({ rows }) => rows)),
    bytes: step === 'load' ? null : sum(bytes),
    firstAt,
    lastAt,
    seconds: lastAt === null ? null : Math.max(0, (Date.parse(lastAt) - Date.parse(record.plannedAt)) / 1000),
    retrying: count(messages.retrying),
    failed: count(messages.failed),
  };
}

/** @returns null where any of them is not known */
const sum = (counts: readonly (number | null)[] | undefined): number | null =>
  counts === undefined || counts.includes(null)
    ? null
    : counts.reduce<number>((total, count) => total + (count ?? 0), 0);

interface RunFacts {
  site: Pick<Site, 'model'>;
  record: RunRecord;
  ingested: readonly CountedObject[];
  processed: readonly CountedObject[];
  ledger: readonly LoadedObject[] | undefined;
}

function describeTables(
  source: string,
  { site, record, ingested, processed, ledger }: RunFacts,
): TableOfRun[] {
  const slices = record.slices.filter(({ table }) => table === source);
  const extracted = ingested.filter(({ table }) => table === source);
  const { feeds } = site.model.source(source);
  return (feeds.length === 0 ? [source] : feeds).map((table): TableOfRun => {
    const transformed = processed.filter((object) => object.table === table);
    const loaded = ledger?.filter((object) => object.table === table);
    const isFed = feeds.length > 0;
    return {
      table,
      source,
      full: slices.every(({ full }) => full),
      slices: slices.length,
      extracted: extracted.length,
      extractedRows: sum(extracted.map(({ rows }) => rows)),
      transformed: isFed ? transformed.length : 0,
      loaded: isFed ? (loaded?.length ?? null) : 0,
      loadedRows: isFed ? sum(loaded?.map(({ rows }) => rows)) : 0,
      quarantined: isFed ? sum(transformed.map(({ quarantined }) => quarantined)) : 0,
    };
  });
}
