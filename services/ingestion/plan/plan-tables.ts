import { TerminalError } from '../../../shared/errors.ts';
import type { Model } from '../../../shared/model/model.ts';
import type { RunId } from '../../../shared/object-store/object-key.ts';
import { describeLock, findLockHolder } from '../../../shared/postgres/lock-holder.ts';
import type { CaptureState, KnownTable, TableState } from '../../../shared/records/plan/capture-state.ts';
import type { BlockRange, ExtractMessage, NewRows } from '../../../shared/records/plan/extract-message.ts';
import type {
  LockedTable,
  LookReason,
  PlannedRun,
  PlannedSlice,
  TableFailure,
  TableLook,
} from '../../../shared/records/plan/run-record.ts';
import { type FollowedSlice, formatSliceId } from '../../../shared/records/plan/slices.ts';
import type { TableReads } from '../../../shared/records/plan/source-reads.ts';
import { isWithinReach } from '../source/new-rows.ts';
import type { Statements } from '../source/statements.ts';
import { type AssessedTable, lockableTablesOf, type UsableTable } from '../source/tables.ts';
import { isUnmatchedDue, noteFarSides } from './ask-unmatched.ts';
import { chooseLook, chooseWait, type QuietRules } from './choose-look.ts';
import type { LookByExtracts } from './look-by-extracts.ts';
import { shareWork } from './share-work.ts';
import { type SliceOptions, sliceTable } from './slice-table.ts';
import { fingerprintOf, isUnchanged } from './table-fingerprint.ts';

export interface PlanContext {
  run: RunId;
  /** What the last plan left. */
  state: CaptureState;
  /** Tables that were requested in full. */
  resynced: ReadonlySet<string>;
  model: Model;
  /** Of the published model. */
  modelNumber?: number;
  plannedXmax: string;
  /** On a standby. */
  plannedLsn?: string;
  slicing: SliceOptions;
  looking: LookOptions;
  /** Whether a slice that was sent before is extracted, or has failed for good. */
  isExtracted(slice: FollowedSlice): Promise<boolean>;
}

export interface LookOptions {
  now: Date;
  /** By table, read before the snapshot that the looks follow. */
  counters: ReadonlyMap<string, string>;
  quiet: QuietRules;
  /** Every table is looked at. */
  isExact: boolean;
  /** How long after rows that join none were asked for they are asked for again at the earliest. */
  unmatchedFloorSeconds: number;
  /** What has become of a look that the extracts of a run do. */
  followLook(of: { table: string; run: RunId }): Promise<LookByExtracts>;
}

export interface TablesPlan {
  run: PlannedRun;
  messages: ExtractMessage[];
  /** What the next plan must know about each table. */
  states: Record<string, TableState>;
  /** By table. */
  reads: ReadonlyMap<string, Omit<TableReads, 'looks'>>;
}

/** What a plan decides for one table. */
interface TablePlan {
  state: TableState;
  /** Slices are numbered once all tables are planned. */
  messages: Omit<ExtractMessage, 'slice'>[];
  look: TableLook;
  /** What is read of the table; absent where nothing is. */
  read?: Omit<TableReads, 'looks'>;
  failure?: TableFailure;
  warning?: string;
  locked?: LockedTable;
}

/**
 * Decides for every table what to extract. A table that cannot be read fails; the others go on.
 *
 * @param withSecondConnection lends another connection to the same server
 */
export async function planTables(
  source: Statements,
  tables: readonly AssessedTable[],
  context: PlanContext,
  withSecondConnection: (work: (source: Statements) => Promise<void>) => Promise<void>,
): Promise<TablesPlan> {
  const found = new Map<string, TablePlan>();
  await shareWork(source, {
    // The largest first, so that two connections finish at about the same time.
    items: tables.toSorted((a, b) => pagesOf(b) - pagesOf(a)),
    work: async (connection: Statements, assessed) => {
      found.set(assessed.table.name, await planTable(connection, assessed, context));
    },
    withSecondConnection,
  });
  const plans = tables.flatMap(({ table: { name } }): [string, TablePlan][] => {
    const plan = found.get(name);
    return plan === undefined ? [] : [[name, plan]];
  });
  const messages = plans
    .flatMap(([, plan]) => plan.messages)
    .map((message, index): ExtractMessage => ({ ...message, slice: formatSliceId(index) }));
  const locked = plans.flatMap(([, plan]) => plan.locked ?? []);
  return {
    run: {
      run: context.run,
      generation: context.state.generation,
      slices: messages.map((message) => describeSlice(message, context.state)),
      failures: plans.flatMap(([, { failure }]) => failure ?? []),
      warnings: plans.flatMap(([, { warning }]) => warning ?? []),
      ...(locked.length > 0 && { locked }),
      looks: plans.map(([, { look }]) => look),
    },
    messages,
    reads: new Map(plans.flatMap(([table, { read }]) => (read === undefined ? [] : [[table, read]]))),
    states: Object.fromEntries(
      plans.map(([table, plan]) => [
        table,
        plan.locked === undefined ? plan.state : noteSent(plan, messages),
      ]),
    ),
  };
}

function describeSlice({ slice, table, newRows }: ExtractMessage, { tables }: CaptureState): PlannedSlice {
  const planned: PlannedSlice = { slice, table, full: newRows === undefined };
  const known = tables[table];
  const base = known !== undefined && 'source' in known ? known.base : undefined;
  if (base !== undefined) planned.since = base.plannedAt;
  return planned;
}

/** Of a locked table that was not left out: its one slice has a number now. */
function noteSent({ state, locked }: TablePlan, messages: readonly ExtractMessage[]): TableState {
  const sent = messages.find(({ table }) => table === locked?.table);
  if (sent === undefined || !('source' in state)) return state;
  return { ...state, sentLocked: { run: sent.run, slice: sent.slice } };
}

const pagesOf = (assessed: AssessedTable): number => ('problem' in assessed ? 0 : assessed.relation.pages);

async function planTable(
  source: Statements,
  assessed: AssessedTable,
  context: PlanContext,
): Promise<TablePlan> {
  const { table } = assessed;
  if ('problem' in assessed) return planFailure(table.name, assessed.problem, context);
  const { newRows, because } = await findWork(assessed, context);
  const warning = warningOf(assessed, context.slicing.schema);
  if (because === 'quiet' || because === 'in flight' || because === 'resting') {
    return { ...leaveOut(table.name, because, context), ...warning };
  }
  try {
    const begun = performance.now();
    const { ranges, bytes, readBytes, isLookedAtByExtracts } = await sliceTable(
      source,
      assessed,
      newRows,
      context.slicing,
    );
    const seconds = (performance.now() - begun) / 1000;
    const state = stateOf(assessed, newRows, context);
    const look: TableLook = { table: table.name, isLookedAt: true, because };
    // Without what a look notes, it is not taken for a quiet one until the lock is gone.
    if (ranges === 'locked') return await planLocked(source, assessed, newRows, { state, look }, context);
    const counters = context.looking.counters.get(table.name);
    const noted = {
      ...(counters !== undefined && { counters }),
      ...(bytes !== undefined && { bytes }),
      seconds,
      ...(isLookedAtByExtracts && { byExtractsOf: context.run }),
    };
    return {
      state: { ...state, look: noted },
      messages: ranges.map((blocks) => messageOf(assessed, newRows, blocks, context)),
      look,
      read: { bytes: readBytes, seconds },
      ...warning,
    };
  } catch (error) {
    if (error instanceof TerminalError) return planFailure(table.name, error.message, context);
    throw error;
  }
}

/** What is to be known of a table that this plan has looked at. */
function stateOf(
  assessed: UsableTable,
  newRows: NewRows | undefined,
  { run, state, model, plannedLsn, plannedXmax, looking }: PlanContext,
): KnownTable {
  const next: KnownTable = fingerprintOf(assessed, model);
  const known = state.tables[assessed.table.name];
  const before = known !== undefined && 'source' in known ? known : undefined;
  const fullRun = newRows === undefined ? run : before?.fullRun;
  if (fullRun !== undefined) next.fullRun = fullRun;
  const noted = noteFarSides(assessed, plannedLsn && plannedXmax);
  const areAsked = noted !== undefined && (newRows === undefined || newRows.unmatched === true);
  const farSides = areAsked ? { ...noted, at: looking.now.toISOString() } : before?.farSides;
  if (farSides !== undefined) next.farSides = farSides;
  return next;
}

interface Work {
  /** Which rows are new; undefined if all are to be extracted. */
  newRows: NewRows | undefined;
  because: LookReason;
}

async function findWork(assessed: UsableTable, context: PlanContext): Promise<Work> {
  const { state, resynced, model, plannedXmax, plannedLsn, looking } = context;
  const all = (because: LookReason): Work => ({ newRows: undefined, because });
  const { name } = assessed.table;
  if (resynced.has(name)) return all('requested');
  const known = state.tables[name];
  if (known === undefined || !('source' in known)) return all('first look');
  if (!isUnchanged(known, fingerprintOf(assessed, model))) return all('changed definition');
  const { captured, plannedAt: lookedAt } = known.base ?? state;
  if (captured === undefined) return all('first look');
  const newRows: NewRows = { since: captured.base, inProgress: captured.inProgress };
  if (!isWithinReach(newRows, plannedXmax)) return all('old xids');
  const farSides = noteFarSides(assessed, plannedLsn && plannedXmax);
  const floorSeconds = looking.isExact ? 0 : looking.unmatchedFloorSeconds;
  const isAsked = isUnmatchedDue(known, farSides, { at: looking.now, floorSeconds });
  if (isAsked) newRows.unmatched = true;
  if (looking.isExact) return { newRows, because: 'asked for' };
  const facts = {
    known,
    counters: looking.counters.get(name),
    lookedAt,
    plannedAt: state.plannedAt,
    now: looking.now,
    xids: BigInt(plannedXmax) - BigInt(captured.base),
  };
  const chosen = chooseLook(facts, looking.quiet);
  // The delete of a joined row was reported to an earlier look, which was too soon to ask.
  const because = chosen === 'quiet' && isAsked ? 'written to' : chosen;
  if (because === 'quiet') return { newRows, because };
  const run = known.look?.byExtractsOf;
  const last = run === undefined ? undefined : await looking.followLook({ table: name, run });
  return { newRows, because: chooseWait(facts, looking.quiet, last) ?? because };
}

/**
 * Leaves a table out of this plan.
 *
 * Claim: nothing is lost. A table that is left out keeps its base, so what this plan did not look for is new to a later one.
 * What was known of it stays too: if its fingerprint has changed, a later plan sees it and reads all.
 */
function leaveOut(table: string, because: LookReason, { state }: PlanContext): TablePlan {
  const known = state.tables[table];
  const { captured, plannedAt } = (known !== undefined && 'source' in known && known.base) || state;
  if (known === undefined || !('source' in known) || captured === undefined || plannedAt === undefined) {
    throw new TerminalError('a table that no plan has looked at was to be left out', { table });
  }
  const base = { captured, plannedAt };
  return {
    state: { ...known, base },
    messages: [],
    look: { table, isLookedAt: false, because, asOf: base.plannedAt },
  };
}

/**
 * A locked table must not delay the others. All of it is sent once, and its extract waits in the queue. While that is not
 * extracted, later plans leave the table out: each would send one more message that can only wait.
 */
async function planLocked(
  source: Statements,
  assessed: UsableTable,
  newRows: NewRows | undefined,
  seen: Pick<TablePlan, 'state' | 'look'>,
  context: PlanContext,
): Promise<TablePlan> {
  const { table } = assessed;
  const { state, slicing } = context;
  const holder = await findLockHolder(source, lockableTablesOf(table, slicing.schema), 'AccessExclusiveLock');
  const lock = holder && describeLock(holder);
  const known = state.tables[table.name];
  const sent = known !== undefined && 'source' in known ? known.sentLocked : undefined;
  const isNeeded = sent === undefined || context.resynced.has(table.name);
  if (isNeeded || (await context.isExtracted({ table: table.name, ...sent }))) {
    return {
      ...seen,
      messages: [messageOf(assessed, newRows, undefined, context)],
      locked: { table: table.name, isLeftOut: false, ...(lock && { lock }) },
    };
  }
  return {
    ...leaveOut(table.name, 'locked', context),
    locked: { table: table.name, isLeftOut: true, ...(lock && { lock }) },
  };
}

function messageOf(
  { table, relation }: UsableTable,
  newRows: NewRows | undefined,
  blocks: BlockRange | undefined,
  context: PlanContext,
): Omit<ExtractMessage, 'slice'> {
  return {
    ...envelopeOf(table.name, context),
    ...(newRows && { newRows }),
    ...(blocks && { blocks, fileNode: relation.fileNode }),
  };
}

export function envelopeOf(
  table: string,
  {
    run,
    state,
    plannedXmax,
    plannedLsn,
    modelNumber,
  }: Omit<PlanContext, 'slicing' | 'looking' | 'isExtracted' | 'resynced' | 'model'>,
): Omit<ExtractMessage, 'slice'> {
  const { generation, identity } = state;
  return {
    version: 1,
    run,
    table,
    generation,
    identity,
    plannedXmax,
    ...(plannedLsn && { plannedLsn }),
    ...(modelNumber !== undefined && { model: modelNumber }),
  };
}

/**
 * The first plan that sees a failure still sends a message: its extract fails for the same reason and leaves a dead
 * letter, which is where an operator looks. Later plans only report the failure.
 */
function planFailure(table: string, reason: string, context: PlanContext): TablePlan {
  const known = context.state.tables[table];
  const isKnown = known !== undefined && 'failed' in known && known.failed === reason;
  return {
    state: { failed: reason },
    messages: isKnown ? [] : [envelopeOf(table, context)],
    look: { table, isLookedAt: false, because: 'failed' },
    failure: { table, error: 'TerminalError', reason },
  };
}

/** A log entry and a run's record carry it, and a table may have 1,600 columns. */
const namedColumns = 10;

function warningOf({ table, unknownColumns }: UsableTable, schema: string): { warning?: string } {
  const count = unknownColumns.length;
  if (count === 0) return {};
  const names = unknownColumns.slice(0, namedColumns).join(', ');
  const columns = count > namedColumns ? `${count} columns` : 'columns';
  const which = count > namedColumns ? `, such as ${names}` : `: ${names}`;
  return {
    warning: `${table.schema ?? schema}.${table.table} has ${columns} that the model does not use${which}`,
  };
}
