import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type pg from 'pg';
import { noteFarSides } from '../../services/ingestion/plan/look/ask-unmatched.ts';
import { noteDeletes } from '../../services/ingestion/source/relations.ts';
import type { Statements } from '../../services/ingestion/source/statements.ts';
import { assessTables, relationsOf } from '../../services/ingestion/source/tables.ts';
import { ledgerTable } from '../../shared/ledger/schema/ledger-schema.ts';
import type { Model } from '../../shared/model/model.ts';
import { queueKinds } from '../../shared/queue/queue-settings.ts';
import {
  type CaptureState,
  isKnown,
  knownOf,
  readCaptureState,
} from '../../shared/records/plan/capture-state.ts';
import { findEmptySlices } from '../../shared/records/plan/empty-slices.ts';
import type { NewRows } from '../../shared/records/plan/extract-message.ts';
import { makePlanRecordsReader } from '../../shared/records/plan/plan-records.ts';
import type { RunRecord } from '../../shared/records/plan/run-record.ts';
import { makeKnownSlices } from '../../shared/records/plan/slices.ts';
import { listFailures } from '../failures/list-failures.ts';
import { hasLedger, tablesOf } from '../site/ledger.ts';
import type { Site } from '../site/site.ts';
import { findFailedSlices, isAccounted } from '../site/stage/follow-slices.ts';
import { withSavepoint } from './databases/savepoint.ts';
import { defaultSchema } from './expected/source-rows.ts';

/** What must be in the warehouse of one source table. */
export interface CapturedTable {
  /** ISO 8601: what was committed in the source by then. */
  asOf: string;
  /** Rows that these xids wrote need not be in the warehouse yet; `all` while the whole table is on its way. */
  late: NewRows | 'all';
}

/** What plans have left in S3, and whether work is under way. */
export interface Plans {
  state: CaptureState & Required<Pick<CaptureState, 'captured' | 'plannedAt'>>;
  /** The oldest first. */
  runs: readonly RunRecord[];
  /** Whether the slices of a run may still be on their way. */
  mayBeOnItsWay(run: RunRecord): boolean;
}

/**
 * Reads what was planned. To be called before the snapshot of the warehouse: what is on no queue now is loaded in that
 * snapshot, or is lost.
 *
 * @param readRecords reads the records of the runs that count: all that messages may still be of
 * @returns undefined before the first complete plan of this life of the source
 * @throws {TerminalError} a record is not what a plan writes
 */
export async function readPlans(
  site: Site,
  now: Date,
  readRecords = makePlanRecordsReader(site.ingested),
): Promise<Plans | undefined> {
  // First the state: the messages of all that it covers are sent, so the queues and the records show them.
  const state = (await readCaptureState(site.ingested))?.state;
  if (state?.captured === undefined || state.plannedAt === undefined) return undefined;
  const isBusy = await hasMessages(site);
  const records = await readRecords(now);
  return {
    state: { ...state, captured: state.captured, plannedAt: state.plannedAt },
    runs: (records?.runs ?? []).filter(({ generation }) => generation === state.generation),
    mayBeOnItsWay: ({ plannedAt }) =>
      isBusy || (!areCountsExact(site) && now.getTime() - Date.parse(plannedAt) < settlingMs),
  };
}

/** On AWS a count is approximate, and an object's event takes its time. */
const areCountsExact = ({ receiveWaitSeconds }: Site): boolean => receiveWaitSeconds === 0;
const settlingMs = 15 * 60_000;

/** In the order of the flow: what is behind the look has passed, and nothing can come from before it. */
async function hasMessages({ sqs, queueUrl }: Site): Promise<boolean> {
  for (const kind of queueKinds) {
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: queueUrl(kind),
        AttributeNames: [
          'ApproximateNumberOfMessages',
          'ApproximateNumberOfMessagesNotVisible',
          'ApproximateNumberOfMessagesDelayed',
        ],
      }),
    );
    if (Object.values(Attributes).some((count) => Number(count) > 0)) return true;
  }
  return false;
}

/**
 * Finds what must be in the warehouse, by source table. A table that cannot be extracted is left out.
 *
 * Claim: a row of a snapshot of the source that is later than the warehouse's is in the warehouse as it is, unless it is
 * new to the oldest extract that is not loaded, or, where there is none, to the next plan.
 * - Its xid was covered by a plan, so an extract has seen it (claims 1 and 2 of docs/design.md), and what that extract
 *   put is loaded in the warehouse's snapshot.
 * - No later version of it is in the warehouse: the source would show that version too.
 *
 * @param warehouse in the snapshot in which its rows are read
 */
export async function findCapturedTables(
  { state, runs, mayBeOnItsWay }: Plans,
  { site, warehouse, model }: { site: Site; warehouse: pg.Client; model: Model },
): Promise<ReadonlyMap<string, CapturedTable>> {
  const onTheirWay = runs.filter(mayBeOnItsWay);
  const isDone =
    onTheirWay.length === 0 ? () => true : await makeIsDone(onTheirWay, { site, warehouse, model });
  const captured = new Map<string, CapturedTable>();
  for (const [table, known] of Object.entries(state.tables)) {
    if (!isKnown(known)) continue;
    const base = known.base ?? state;
    const newToNextPlan: CapturedTable = {
      asOf: base.plannedAt,
      late: { since: base.captured.base, inProgress: base.captured.inProgress },
    };
    captured.set(table, oldestOnItsWay(table, runs, isDone) ?? newToNextPlan);
  }
  return captured;
}

type IsDone = (run: RunRecord, slice: string, table: string) => boolean;

/** Every row that is new to a later run is new to this one too, or is written by an xid that this one covers. */
function oldestOnItsWay(
  table: string,
  runs: readonly RunRecord[],
  isDone: IsDone,
): CapturedTable | undefined {
  let oldest: CapturedTable | undefined;
  let isWhole = false;
  let areUnmatchedAsked = false;
  for (const record of runs.toReversed()) {
    // What is read by an index ends no look at the table.
    const slices = record.slices.filter((slice) => slice.table === table && !slice.byIndex);
    if (slices.length === 0) continue;
    const open = slices.filter(({ slice }) => !isDone(record, slice, table));
    const isFull = slices.every(({ full }) => full);
    // All that was sent before is in it.
    if (open.length === 0 && isFull && !record.failures.some((failure) => failure.table === table)) break;
    if (open.length === 0) continue;
    const newRows = record.messages?.tableNewRows?.[table] ?? record.messages?.newRows;
    isWhole ||= newRows === undefined || open.some(({ full }) => full);
    areUnmatchedAsked ||= newRows?.unmatched === true;
    const since = slices.find((slice) => slice.since !== undefined)?.since ?? record.since;
    oldest = {
      asOf: since ?? record.plannedAt,
      late:
        isWhole || newRows === undefined
          ? 'all'
          : { ...newRows, ...(areUnmatchedAsked && { unmatched: true as const }) },
    };
  }
  return oldest;
}

/** A slice that has failed for good is not on its way any more. */
async function makeIsDone(
  runs: readonly RunRecord[],
  { site, warehouse, model }: { site: Site; warehouse: pg.Client; model: Model },
): Promise<IsDone> {
  const loaded = makeKnownSlices();
  if (await hasLedger(warehouse)) {
    const { rows } = await warehouse.query<{ table: string; run: string; slice: string }>(
      `select warehouse_table as table, run, slice from ${ledgerTable} where run = any($1)`,
      [runs.map(({ run }) => run)],
    );
    for (const { table, run, slice } of rows) loaded.add(table, { run, slice });
  }
  const failed = findFailedSlices(await listFailures(site));
  const followed = new Set(runs.map(({ run }) => run));
  const ingested = makeKnownSlices();
  const planned = runs.flatMap(({ run, slices }) =>
    slices.map(({ slice, table }) => ({ run, slice, table })),
  );
  const empty = await findEmptySlices(site.ingested, planned);
  return ({ run }, slice, table) =>
    !followed.has(run) ||
    // Of a table that feeds none nothing is compared.
    tablesOf(table, model).length === 0 ||
    isAccounted({ run, slice, table }, { loaded, ingested, failed, empty }, model);
}

/**
 * Counts rows as late that name a row of a joined table which is not there, where such rows were deleted since a plan has asked
 * for them.
 *
 * @param source in the snapshot in which its rows are read
 */
export async function withMovedFarSides(
  source: pg.Client,
  captured: ReadonlyMap<string, CapturedTable>,
  state: Pick<CaptureState, 'tables'>,
  { sources }: Pick<Model, 'sources'>,
): Promise<ReadonlyMap<string, CapturedTable>> {
  const joined = sources.filter(({ joins }) => joins.length > 0);
  if (joined.length === 0) return captured;
  const statements: Statements = {
    // A source may hide its counters, and has to be read on.
    query: <Row extends pg.QueryResultRow>(sql: string) =>
      withSavepoint([source], () => source.query<Row>(sql)),
  };
  const { rows } = await source.query<{ xmax: string | null }>(
    'select case when pg_is_in_recovery() then pg_snapshot_xmax(pg_current_snapshot())::text end as xmax',
  );
  const moved = new Map(captured);
  const tablesNow = await assessTables(statements, defaultSchema, joined);
  await noteDeletes(statements, relationsOf(tablesNow));
  for (const assessed of tablesNow) {
    const { name } = assessed.table;
    const known = captured.get(name);
    if ('problem' in assessed || known === undefined || known.late === 'all') continue;
    const now = noteFarSides(assessed, rows[0]?.xmax ?? undefined);
    const last = knownOf(state, name)?.farSides;
    if (last !== undefined && last.noted === now?.noted && last.updates === now.updates) continue;
    moved.set(name, { ...known, late: { ...known.late, unmatched: true } });
  }
  return moved;
}
