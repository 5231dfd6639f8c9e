import { type KnownTable, knownOf } from '../../../../shared/records/plan/capture-state.ts';
import type { NewRows } from '../../../../shared/records/plan/extract-message.ts';
import type { LookReason } from '../../../../shared/records/plan/run-record.ts';
import { isWithinReach } from '../../source/new-rows.ts';
import type { UsableTable } from '../../source/tables.ts';
import { areDeletesDue } from '../deletes-due.ts';
import type { PlanContext } from '../plan-context.ts';
import { fingerprintOf, isUnchanged } from '../table-fingerprint.ts';
import { noteFarSides } from './ask-unmatched.ts';
import { chooseLook, chooseWait, type QuietRules } from './choose-look.ts';

export interface Work {
  /** Which rows are new; undefined if all are to be extracted. */
  newRows: NewRows | undefined;
  because: LookReason;
}

/** Decides whether a plan looks at a table, and what for. */
export async function findWork(assessed: UsableTable, context: PlanContext): Promise<Work> {
  const { state, resynced, model, plannedXmax, plannedLsn, looking } = context;
  const all = (because: LookReason): Work => ({ newRows: undefined, because });
  const { name } = assessed.table;
  if (resynced.has(name)) return all('requested');
  const known = knownOf(state, name);
  if (known === undefined) return all('first look');
  if (!isUnchanged(known, fingerprintOf(assessed, model))) return all('changed definition');
  const { captured, plannedAt: lookedAt } = known.base ?? state;
  if (captured === undefined) return all('first look');
  const newRows: NewRows = { since: captured.base, inProgress: captured.inProgress };
  if (!isWithinReach(newRows, plannedXmax)) return all('old xids');
  const farSides = noteFarSides(assessed, plannedLsn && plannedXmax);
  const restSeconds = looking.isExact ? 0 : looking.unmatchedFloorSeconds;
  const isAsked =
    farSides !== undefined && areDeletesDue(known.farSides, farSides, { now: looking.now, restSeconds });
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
  return { newRows, because: (await findWait(name, known, context, looking.quiet)) ?? because };
}

async function findWait(
  table: string,
  known: KnownTable,
  { state, looking: { now, followLook } }: PlanContext,
  rules: QuietRules,
): Promise<'in flight' | 'resting' | undefined> {
  const run = known.look?.byExtractsOf;
  const last = run === undefined ? undefined : await followLook({ table, run });
  return chooseWait({ known, lookedAt: (known.base ?? state).plannedAt, now }, rules, last);
}

/** So much has changed that it is not worth reading by the index. */
export async function bringForward(assessed: UsableTable, work: Work, context: PlanContext): Promise<Work> {
  if (!isLeftOut(work.because)) return work;
  const known = knownOf(context.state, assessed.table.name);
  const wait =
    known &&
    (await findWait(assessed.table.name, known, context, { ...context.looking.quiet, restFactor: 1 }));
  return { ...work, because: wait ?? 'many changes' };
}

type LeftOut = 'quiet' | 'summarized' | 'in flight' | 'resting';

export const isLeftOut = (because: LookReason): because is LeftOut =>
  because === 'quiet' || because === 'summarized' || because === 'in flight' || because === 'resting';
