import { TerminalError } from '../../../shared/errors.ts';
import { describeLock, findLockHolder } from '../../../shared/postgres/lock-holder.ts';
import {
  type CaptureState,
  isKnown,
  type KnownTable,
  knownOf,
  type TableState,
} from '../../../shared/records/plan/capture-state.ts';
import type { ExtractMessage, NewRows } from '../../../shared/records/plan/extract-message.ts';
import type {
  LockedTable,
  LookReason,
  PlannedRun,
  PlannedSlice,
  TableFailure,
  TableLook,
} from '../../../shared/records/plan/run-record.ts';
import { formatSliceId } from '../../../shared/records/plan/slices.ts';
import type { TableReads } from '../../../shared/records/plan/source-reads.ts';
import type { Statements } from '../source/statements.ts';
import { type AssessedTable, lockableTablesOf, type UsableTable } from '../source/tables.ts';
import { noteFarSides } from './look/ask-unmatched.ts';
import { keepIndexBase, type LookByIndex, lookByIndex } from './look/by-index.ts';
import { filesOf, type LookBySummaries, lookBySummaries } from './look/by-summaries.ts';
import { bringForward, findWork, isLeftOut, type Work } from './look/find-work.ts';
import { sliceTable } from './look/slice-table.ts';
import { envelopeOf, messageOf, type PlanContext } from './plan-context.ts';
import { shareWork } from './share-work.ts';
import { fingerprintOf } from './table-fingerprint.ts';

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
  /** The last of the messages reads by an index. */
  sendsByIndex?: true;
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
    states: Object.fromEntries(plans.map(([table, plan]) => [table, noteSent(table, plan, messages)])),
  };
}

function describeSlice({ slice, table, newRows, index }: ExtractMessage, state: CaptureState): PlannedSlice {
  const planned: PlannedSlice = { slice, table, full: newRows === undefined };
  const known = knownOf(state, table);
  if (known === undefined) return planned;
  if (known.base !== undefined) planned.since = known.base.plannedAt;
  const freshSince = known.index && (known.index.base?.plannedAt ?? state.plannedAt);
  if (freshSince !== undefined) planned.freshSince = freshSince;
  if (index !== undefined) planned.byIndex = true;
  return planned;
}

/** Slices have numbers now. Of a locked table that was not left out there is one. */
function noteSent(
  table: string,
  { state, locked, sendsByIndex }: TablePlan,
  messages: readonly ExtractMessage[],
): TableState {
  const own = messages.filter((message) => message.table === table);
  const byIndex = own.find(({ index }) => index !== undefined);
  if (!isKnown(state)) return state;
  if (sendsByIndex && byIndex !== undefined && state.index !== undefined) {
    return { ...state, index: { ...state.index, sent: { run: byIndex.run, slice: byIndex.slice } } };
  }
  const [sent] = own;
  return locked === undefined || sent === undefined
    ? state
    : { ...state, sentLocked: { run: sent.run, slice: sent.slice } };
}

const pagesOf = (assessed: AssessedTable): number => ('problem' in assessed ? 0 : assessed.relation.pages);

async function planTable(
  source: Statements,
  assessed: AssessedTable,
  context: PlanContext,
): Promise<TablePlan> {
  const { table } = assessed;
  if ('problem' in assessed) return planFailure(table.name, assessed.problem, context);
  const first = await findWork(assessed, context);
  const warning = warningOf(assessed, context.slicing.schema);
  const named = await lookBySummaries(source, assessed, knownOf(context.state, table.name), first, context);
  const work: Work = named === undefined ? first : { ...first, because: 'summarized' };
  const found = await findByIndex(source, assessed, work, context);
  const { newRows, because } = found?.isTooMuch ? await bringForward(assessed, work, context) : work;
  if (isLeftOut(because)) {
    const leftOut = leaveOut(table.name, because, context, found);
    return { ...(named === undefined ? leftOut : withNamed(leftOut, named)), ...warning };
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
      files: filesOf(assessed),
      seconds,
      ...(isLookedAtByExtracts && { byExtractsOf: context.run }),
    };
    // A look that extracts do takes its time, and what the index has found is there before it.
    const sooner = isLookedAtByExtracts ? (found?.message ?? []) : [];
    return {
      state: { ...state, look: noted, ...(found && { index: found.next }) },
      messages: ranges.map((blocks) => messageOf(assessed, newRows, blocks, context)).concat(sooner),
      look: { ...look, ...(isLookedAtByExtracts && found?.hasAsked && { byIndex: found.next.column }) },
      ...(isLookedAtByExtracts && found?.message && { sendsByIndex: true as const }),
      read: { bytes: readBytes, seconds },
      ...warning,
    };
  } catch (error) {
    if (error instanceof TerminalError) return planFailure(table.name, error.message, context);
    throw error;
  }
}

/** Of a table of which only the blocks are read that the log names: it is captured up to an earlier plan. */
function withNamed(leftOut: TablePlan, { to, messages, bytes }: LookBySummaries): TablePlan {
  const { state, look, read } = leftOut;
  if (!isKnown(state)) return leftOut;
  return {
    ...leftOut,
    state: { ...state, base: to },
    messages: [...messages, ...leftOut.messages],
    look: { ...look, asOf: to.plannedAt },
    read: { bytes, seconds: read?.seconds ?? 0 },
  };
}

/** Small tables are always looked at, so nothing of them has to be brought forward. */
async function findByIndex(
  source: Statements,
  assessed: UsableTable,
  { newRows, because }: Work,
  context: PlanContext,
): Promise<LookByIndex | undefined> {
  const known = knownOf(context.state, assessed.table.name);
  const bytes = known?.look?.bytes;
  const isSmall = bytes !== undefined && bytes <= context.looking.quiet.alwaysBytes;
  if (isSmall && newRows !== undefined) return undefined;
  const isLarge = bytes !== undefined && bytes > context.slicing.probeMaxBytes;
  const asks = newRows !== undefined && (isLarge || isLeftOut(because));
  return lookByIndex(source, assessed, known, asks, context);
}

/** What is to be known of a table that this plan has looked at. */
function stateOf(
  assessed: UsableTable,
  newRows: NewRows | undefined,
  { run, state, model, plannedLsn, plannedXmax, looking }: PlanContext,
): KnownTable {
  const next: KnownTable = fingerprintOf(assessed, model);
  const before = knownOf(state, assessed.table.name);
  const fullRun = newRows === undefined ? run : before?.fullRun;
  if (fullRun !== undefined) next.fullRun = fullRun;
  const noted = noteFarSides(assessed, plannedLsn && plannedXmax);
  const areAsked = noted !== undefined && (newRows === undefined || newRows.unmatched === true);
  const farSides = areAsked ? { ...noted, at: looking.now.toISOString() } : before?.farSides;
  if (farSides !== undefined) next.farSides = farSides;
  return next;
}

/**
 * Leaves a table out of this plan.
 *
 * Claim: nothing is lost. A table that is left out keeps its base, so what this plan did not look for is new to a later one.
 * What was known of it stays too: if its fingerprint has changed, a later plan sees it and reads all.
 */
function leaveOut(table: string, because: LookReason, context: PlanContext, found?: LookByIndex): TablePlan {
  const known = knownOf(context.state, table);
  const { captured, plannedAt } = known?.base ?? context.state;
  if (known === undefined || captured === undefined || plannedAt === undefined) {
    throw new TerminalError('a table that no plan has looked at was to be left out', { table });
  }
  const base = { captured, plannedAt };
  const { index: before, ...rest } = known;
  const look: TableLook = { table, isLookedAt: false, because, asOf: base.plannedAt };
  // What is too much stays new to the index, too: nobody has sent it.
  const isAsked = found?.hasAsked === true && !(found.isTooMuch && found.message === undefined);
  if (!isAsked) {
    const kept = keepIndexBase(known, context);
    return { state: { ...rest, base, ...(kept && { index: kept }) }, messages: [], look };
  }
  const { message, next, seconds } = found;
  return {
    state: { ...rest, base, index: { ...next, ...(before?.sent && { sent: before.sent }) } },
    messages: message === undefined ? [] : [message],
    look: { ...look, byIndex: next.column },
    ...(message && { sendsByIndex: true as const }),
    read: { bytes: 0, seconds },
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
  const { slicing } = context;
  const holder = await findLockHolder(source, lockableTablesOf(table, slicing.schema), 'AccessExclusiveLock');
  const lock = holder && describeLock(holder);
  const sent = knownOf(context.state, table.name)?.sentLocked;
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

/**
 * The first plan that sees a failure still sends a message: its extract fails for the same reason and leaves a dead
 * letter, which is where an operator looks. Later plans only report the failure.
 */
function planFailure(table: string, reason: string, context: PlanContext): TablePlan {
  const known = context.state.tables[table];
  const wasSent = known !== undefined && !isKnown(known) && known.failed === reason;
  return {
    state: { failed: reason },
    messages: wasSent ? [] : [envelopeOf(table, context)],
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
