import { randomBytes } from 'node:crypto';
import { toPipelineError } from '../../../shared/classify-error.ts';
import { TerminalError } from '../../../shared/errors.ts';
import type { Model } from '../../../shared/model/model.ts';
import {
  captureStateKey,
  formatEmptyKey,
  formatFailedKey,
  formatLayoutKey,
  formatRunId,
  formatRunKey,
  formatSkippedKey,
  type RunId,
  timeOfRun,
} from '../../../shared/object-store/object-key.ts';
import { hasAny, type ObjectStore } from '../../../shared/object-store/object-store.ts';
import type { Database } from '../../../shared/postgres/database.ts';
import {
  type CapturedXids,
  type CaptureState,
  formatCaptureState,
  isKnown,
} from '../../../shared/records/plan/capture-state.ts';
import { hasObject } from '../../../shared/records/plan/empty-slices.ts';
import type { ExtractMessage } from '../../../shared/records/plan/extract-message.ts';
import { formatLayout } from '../../../shared/records/plan/layout.ts';
import { deleteResyncRequests, listResyncRequests } from '../../../shared/records/plan/resync-request.ts';
import { findLastRun, formatRunRecord, type PlannedRun } from '../../../shared/records/plan/run-record.ts';
import type { FollowedSlice } from '../../../shared/records/plan/slices.ts';
import { addReads } from '../../../shared/records/plan/source-reads.ts';
import { readWriteCounters } from '../source/counters.ts';
import { waitUntilDurable } from '../source/flush.ts';
import { readIdentity, readSourceIdentity, type SourceRestart } from '../source/identity.ts';
import { layoutOf } from '../source/layout.ts';
import { findAurora } from '../source/log.ts';
import type { Mask } from '../source/mask.ts';
import { noteDeletes } from '../source/relations.ts';
import { selectMoment, selectSnapshot, selectWalPosition, type WalPosition } from '../source/snapshot.ts';
import { planStatements, type Statements } from '../source/statements.ts';
import { type AssessedTable, assessTables, relationsOf, type UsableTable } from '../source/tables.ts';
import { selectWalSummaries, type WalSummaries } from '../source/wal-summaries.ts';
import { findCapturedXids, keepMarks, makeMark } from './captured-xids.ts';
import { claimGeneration, ensureNewerVersions } from './generation.ts';
import { followLook } from './look/by-extracts.ts';
import { defaultQuietRules, type QuietRules } from './look/choose-look.ts';
import { type CensusContext, planCensuses, publishCensuses } from './plan-censuses.ts';
import { envelopeOf, type LookOptions, type PlanContext } from './plan-context.ts';
import { planTables, type TablesPlan } from './plan-tables.ts';

export interface PlanDeps {
  database: Pick<Database, 'withClient'>;
  ingested: ObjectStore;
  /** Puts the messages on the extract queue. */
  send: (messages: readonly ExtractMessage[]) => Promise<void>;
  model: Model;
  /** Of the published model: messages carry it. */
  modelNumber?: number;
  /** Finds the key for masked columns, see `findMask`. */
  findMask?(): Promise<Mask | undefined>;
  /** Holds the source tables. */
  schema: string;
  restart: SourceRestart;
  now: () => Date;
  /** Heap and TOAST of a slice: 16 MiB, 150,000 orders. With smaller slices too much of a run's work is calls. */
  sliceBytes?: number;
  /** In a table above this extracts look for new rows, and not the plan: 1 GiB. */
  probeMaxBytes?: number;
  /** Of such a table, what one extract looks at: 1 GiB. It reads for seconds, and puts no more than any other. */
  lookBytes?: number;
  /**
   * How long after a census of a table the next one is sent at the earliest, and how long after rows that join none were asked
   * for they are again; 900 where it is left out.
   */
  censusFloorSeconds?: number;
  /** When a table that no write was reported of is left out. */
  quiet?: QuietRules;
  /** No table is left out for that. */
  isExact?: boolean;
}

/**
 * Plans one run: finds what is new in the source since the last plan and sends one message for each slice of it.
 *
 * A crash between any two steps loses nothing: the state is written last, and the next plan begins at the state. Nor
 * does a concurrent planner: the state is replaced only as it was read, so each plan that counts begins where the one
 * before it ended.
 *
 * @throws {TransientError} the source or S3 cannot be reached, or another planner began a new generation
 * @throws {TerminalError} the source has no table of the model, or the state is corrupt
 */
export async function planRun(deps: PlanDeps): Promise<PlannedRun> {
  try {
    // First: without its key nothing that is masked may be read.
    const mask = await deps.findMask?.();
    return await deps.database.withClient((client) => planOn(planStatements(client), deps, mask));
  } catch (error) {
    throw toPipelineError(error);
  }
}

async function planOn(
  source: Statements & { host: string },
  deps: PlanDeps,
  mask: Mask | undefined,
): Promise<PlannedRun> {
  const aurora = await findAurora(source);
  const { identity, database, timeline } = await readSourceIdentity(source, deps.restart, aurora);
  const tables = await assessTables(source, deps.schema, deps.model.sources);
  assertAnyTable(tables, deps.schema);
  await noteDeletes(source, relationsOf(tables));
  const plannedAt = deps.now().toISOString();
  // Before the snapshot: what that misses moves the counters later.
  const { byTable: counters, problem } = await readWriteCounters(source, tables);
  const { xmax } = await selectSnapshot(source);
  const requests = await listResyncRequests(deps.ingested);
  const claimed = await claimGeneration(
    deps.ingested,
    { identity, xmax },
    { now: deps.now(), isResync: requests.some(({ tables: only }) => only === undefined), maskKey: mask?.id },
  );
  const resynced = new Set(requests.flatMap(({ tables: only = [] }) => only));
  // Before the snapshot that the extracts are bound to.
  const { state, etag } = await ensureNewerVersions(source, { identity, tables, resynced }, claimed, deps);

  const moment = await selectMoment(source, aurora);
  const { snapshot, captured } = await findCapturedXids(source, state.captured);
  // Read after the xids in progress: everything that had finished by then was logged before this position.
  const position = await selectWalPosition(source, aurora);
  const run = await nextRunId(deps.ingested, state.lastRun, deps.now());
  const { quiet = defaultQuietRules, isExact = false } = deps;
  const looking: LookOptions = {
    now: new Date(plannedAt),
    counters,
    quiet,
    isExact,
    unmatchedFloorSeconds: deps.censusFloorSeconds ?? 900,
    inProgress: captured.inProgress,
    readSummaries: makeSummariesReader(tables, { from: state.marks?.[0]?.lsn, timeline }),
    followLook: (look) => followLook(deps.ingested, look),
  };
  const context = contextOf({ run, state, resynced, looking }, snapshot.xmax, position, deps);
  // Only now, in snapshots later than the xids, may a table be looked at for new rows.
  const plan = await planTables(source, tables, context, withSameServer(identity, deps));
  const layouts = await noteLayouts(tables, { database, mask, known: state.layouts }, deps.ingested);
  await publish(plan, state.plannedAt, deps);
  // The last of all messages: a census that comes before rows that are older than it is has to be applied again.
  const censusContext = censusContextOf(context, plan, deps);
  const censusPlan = await planCensuses(tables, censusContext);
  await publishCensuses(censusPlan, censusContext, deps.send);

  // A crash that takes back what had finished assigns its xids again, while the state would call them finished.
  await waitUntilDurable(source, position, aurora);
  const { censuses } = censusPlan;
  const next: CaptureState = { ...state, captured, plannedAt, tables: plan.states, layouts, censuses };
  const mark = makeMark(moment, { xmax: snapshot.xmax, captured, plannedAt, position });
  next.marks = keepMarks(state.marks ?? [], mark, basesOf(next));
  next.reads = addReads(state.reads, plan.reads, looking.now);
  delete next.countersProblem;
  if (problem !== undefined) next.countersProblem = problem;
  if (plan.messages.length > 0) next.lastRun = run;
  if (mask !== undefined) next.maskKey = mask.id;
  const isOurs = await deps.ingested.replace(captureStateKey, formatCaptureState(next), etag);
  // A request that arrived after they were listed is left to the next plan.
  if (isOurs) await deleteResyncRequests(deps.ingested, requests);
  const lost = isOurs ? [] : ['another plan was faster: the next one begins where that one ended'];
  // Nothing is lost by it, so it is said once.
  const hidden =
    problem === undefined || problem === state.countersProblem
      ? []
      : [`quiet tables are looked at like all others, because the source hides its counters: ${problem}`];
  const sent = censusPlan.messages.map(
    ({ run: id, slice, table }): FollowedSlice => ({ run: id, slice, table, census: true }),
  );
  return {
    ...plan.run,
    ...(sent.length > 0 && { censuses: sent }),
    warnings: [...plan.run.warnings, ...hidden, ...censusPlan.warnings, ...lost],
  };
}

/** Asks at the first need: most plans have no large table to look at. */
function makeSummariesReader(
  tables: readonly AssessedTable[],
  { from, timeline }: { from: string | undefined; timeline: number | undefined },
): LookOptions['readSummaries'] {
  let known: Promise<WalSummaries | undefined> | undefined;
  const fileNodes = tables.flatMap((assessed) =>
    'problem' in assessed ? [] : [...assessed.relations.values()].flatMap((relation) => relation.fileNodes),
  );
  return (source) => {
    known ??=
      from === undefined || timeline === undefined
        ? Promise.resolve(undefined)
        : selectWalSummaries(source, [...new Set(fileNodes)], { from, timeline });
    return known;
  };
}

/** All from which a later plan may go on. */
const basesOf = ({ captured, tables }: CaptureState): CapturedXids[] => [
  ...(captured === undefined ? [] : [captured]),
  ...Object.values(tables)
    .filter(isKnown)
    .flatMap(({ base, index }) => [base?.captured ?? [], index?.base?.captured ?? []].flat()),
];

function assertAnyTable(tables: readonly AssessedTable[], schema: string): void {
  if (tables.some((assessed) => !('isMissing' in assessed && assessed.isMissing))) return;
  const names = tables.map(({ table }) => table.name).join(', ');
  throw new TerminalError(`the source's schema ${schema} has none of the tables ${names}`);
}

/**
 * Makes an id that is greater than those of all earlier runs. Whatever asks which of two runs is the later one, such as
 * whether a full extract makes up for a lost slice, compares ids: the clock alone would take a run after it was set back for
 * the earlier one.
 *
 * @param last that the state knows; a plan that broke off may have put a later record
 */
async function nextRunId(
  ingested: Pick<ObjectStore, 'list'>,
  last: RunId | undefined,
  now: Date,
): Promise<RunId> {
  const byClock = formatRunId(now, '0000');
  const known = last !== undefined && last > byClock ? last : byClock;
  return runIdAfter((await findLastRun(ingested, known)) ?? known, now);
}

function runIdAfter(last: RunId | undefined, now: Date): RunId {
  const isAhead = last !== undefined && last > formatRunId(now, '0000');
  const at = isAhead ? new Date(timeOfRun(last).getTime() + 1) : now;
  return formatRunId(at, randomBytes(2).toString('hex'));
}

function contextOf(
  known: Pick<PlanContext, 'run' | 'state' | 'resynced' | 'looking'>,
  xmax: string,
  { replayLsn }: WalPosition,
  {
    model,
    modelNumber,
    schema,
    ingested,
    sliceBytes = 16 * 2 ** 20,
    probeMaxBytes = 2 ** 30,
    lookBytes = 2 ** 30,
  }: PlanDeps,
): PlanContext {
  return {
    ...known,
    model,
    ...(modelNumber !== undefined && { modelNumber }),
    plannedXmax: xmax,
    ...(replayLsn === null ? {} : { plannedLsn: replayLsn }),
    slicing: { schema, sliceBytes, probeMaxBytes, lookBytes },
    isExtracted: async ({ table, run, slice }) =>
      (await hasObject(ingested, { table, run, slice })) ||
      (await hasAny(ingested, formatEmptyKey(run, slice))) ||
      (await hasAny(ingested, formatFailedKey(run, slice))),
    isSkipped: ({ run, slice }) => hasAny(ingested, formatSkippedKey(run, slice)),
  };
}

function censusContextOf(
  context: PlanContext,
  { states }: TablesPlan,
  { ingested, model, now, censusFloorSeconds = 900, isExact = false }: PlanDeps,
): CensusContext {
  const { run: _, table: __, ...envelope } = envelopeOf('', context);
  const at = now();
  return {
    ingested,
    model,
    run: runIdAfter(lastCensusOf(context.state), at),
    now: at,
    state: context.state,
    tables: states,
    envelope,
    floorSeconds: censusFloorSeconds,
    isExact,
  };
}

/** A dead letter of a census is settled by one whose run is later, also after the clock was set back. */
const lastCensusOf = ({ censuses = {} }: CaptureState): RunId | undefined =>
  Object.values(censuses)
    .flatMap(({ sent, last }) => [sent, last].flatMap((census) => census?.run ?? []))
    .sort()
    .at(-1);

/**
 * Puts the layouts that are new: the state must never name one that is not there.
 *
 * @returns the hash of each table's newest one, by the table's name
 */
async function noteLayouts(
  tables: readonly AssessedTable[],
  {
    database,
    mask,
    known = {},
  }: { database: string; mask: Mask | undefined; known: Readonly<Record<string, string>> | undefined },
  ingested: Pick<ObjectStore, 'create'>,
): Promise<Record<string, string>> {
  const layouts = { ...known };
  const noteLayout = async (usable: UsableTable) => {
    const { name } = usable.table;
    const { hash, body } = formatLayout(layoutOf(usable, database, mask));
    if (layouts[name] !== hash) await ingested.create(formatLayoutKey(hash), body);
    layouts[name] = hash;
  };
  await Promise.all(tables.map((assessed) => ('problem' in assessed ? undefined : noteLayout(assessed))));
  return layouts;
}

/**
 * Lends a second connection to the server that the plan has queried, where a later snapshot shows everything that an
 * earlier one does. If the address leads to another server, it lends none; the extracts will report that.
 */
const withSameServer =
  (identity: string, { database, restart }: PlanDeps) =>
  (work: (source: Statements) => Promise<void>): Promise<void> =>
    database.withClient(async (client) => {
      const source = planStatements(client);
      if ((await readIdentity(source, restart)) === identity) await work(source);
    });

/**
 * Puts the record of the run first, so that every slice under way is in a record. If the plan fails after that, the
 * next one has the same `since` and finds the same rows.
 *
 * @param since when the plan before this one looked; absent for the first
 */
async function publish(plan: TablesPlan, since: string | undefined, deps: PlanDeps): Promise<void> {
  const { ingested, send, now } = deps;
  const { run, messages } = plan;
  if (messages.length === 0) return;
  await ingested.put(formatRunKey(run.run), formatRunRecord(plan, { plannedAt: now(), since }));
  // Dimensions first: a fact that arrives before its dimension has to wait in the warehouse, at several times the
  // cost of loading it. This is for speed alone; queues keep no order.
  const isFact = ({ table }: ExtractMessage): boolean => feedsFact(deps.model, table);
  const dimensions = messages.filter((message) => !isFact(message));
  const facts = messages.filter(isFact);
  for (const part of [dimensions, facts]) if (part.length > 0) await send(part);
}

const feedsFact = (model: Model, source: string): boolean =>
  model.tables.some((table) => table.kind === 'fact' && table.source.name === source);
