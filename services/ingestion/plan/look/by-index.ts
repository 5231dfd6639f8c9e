import { toPipelineError } from '../../../../shared/classify-error.ts';
import { RefusedError, TerminalError } from '../../../../shared/errors.ts';
import { isCanceled } from '../../../../shared/postgres/server-error.ts';
import type { IndexBase, KnownTable } from '../../../../shared/records/plan/capture-state.ts';
import type { ExtractMessage } from '../../../../shared/records/plan/extract-message.ts';
import {
  findIndexPath,
  type IndexPath,
  selectGreatest,
  selectNewestChanges,
} from '../../source/index-path.ts';
import { isWithinReach } from '../../source/new-rows.ts';
import type { Statements } from '../../source/statements.ts';
import type { UsableTable } from '../../source/tables.ts';
import { findMark } from '../captured-xids.ts';
import { messageOf, type PlanContext } from '../plan-context.ts';

/** What a plan has found by the index of a table. */
export interface LookByIndex {
  /** Where the next plan goes on. */
  next: IndexBase;
  /** Reads what is new; absent where nothing is, or where this plan has not asked. */
  message?: Omit<ExtractMessage, 'slice'>;
  /** More than an object's worth has changed: the whole table is to be looked at soon. */
  isTooMuch: boolean;
  /** Whether what had changed until this plan is asked for. */
  hasAsked: boolean;
  /** What it took of the source. */
  seconds: number;
}

/**
 * Brings the newest changes of a table forward where an index leads by the column that says when a row was changed.
 *
 * Claim: it loses nothing, whatever the column says and whatever goes wrong. The base of the table stays, so the next look at the
 * whole table finds each row that is missed here, and once more what was found here.
 *
 * @param asks false where this plan reads all that is new anyway, so that only the place to go on is wanted
 * @returns undefined where no index is there, or it has not answered
 */
export async function lookByIndex(
  source: Statements,
  usable: UsableTable,
  known: KnownTable | undefined,
  asks: boolean,
  context: PlanContext,
): Promise<LookByIndex | undefined> {
  const { table, relation } = usable;
  const path = findIndexPath(table, relation);
  if (path === undefined) return undefined;
  const begun = performance.now();
  const from = { table, schema: context.slicing.schema, path };
  try {
    const asked = asks ? await askForNewest(source, usable, known, path, context) : undefined;
    if (asks && asked === undefined) return undefined;
    const greatest = await selectGreatest(source, from);
    const next: IndexBase = { column: path.column };
    if (greatest !== undefined) next.greatest = greatest;
    const seconds = (performance.now() - begun) / 1000;
    return { ...(asked ?? { isTooMuch: false }), next, hasAsked: asks, seconds };
  } catch (thrown) {
    const error = toPipelineError(thrown, { table: table.name });
    const isLocked = error instanceof RefusedError && error.by === 'lock';
    if (isCanceled(thrown) || isLocked || error instanceof TerminalError) return undefined;
    throw error;
  }
}

/** @returns undefined where nothing tells from where on to ask */
async function askForNewest(
  source: Statements,
  usable: UsableTable,
  known: KnownTable | undefined,
  path: IndexPath,
  context: PlanContext,
): Promise<Pick<LookByIndex, 'isTooMuch' | 'message'> | undefined> {
  const { state, plannedXmax, slicing, looking } = context;
  const before = known?.index?.column === path.column ? known.index : undefined;
  const captured = before && (before.base?.captured ?? state.captured);
  const mark = captured && findMark(state.marks, captured);
  if (captured === undefined || mark === undefined) return undefined;
  const newRows = { since: captured.base, inProgress: captured.inProgress };
  if (!isWithinReach(newRows, plannedXmax)) return undefined;
  const { table, relation } = usable;
  const limit = rowsOfObject(relation.rows, known?.look?.bytes, slicing.sliceBytes);
  const { overlapSeconds } = looking.quiet;
  const { from, found } = await selectNewestChanges(
    source,
    { table, schema: slicing.schema, path },
    { since: { greatest: before?.greatest, clock: mark.at, overlapSeconds }, newRows, limit: limit + 1 },
  );
  const { sent } = before ?? {};
  const isTooMuch = found > limit || (sent !== undefined && (await context.isSkipped(sent)));
  if (found === 0 || found > limit) return { isTooMuch };
  const message = { ...messageOf(usable, newRows, undefined, context), index: { column: path.column, from } };
  return { isTooMuch, message };
}

const leastRows = 1000;
const mostRows = 200_000;

/** As many rows as a slice has of a table that is read in whole. */
const rowsOfObject = (rows: number, bytes: number | undefined, sliceBytes: number): number =>
  Math.min(mostRows, Math.max(leastRows, bytes ? Math.floor((rows * sliceBytes) / bytes) : 0));

/** Where the next plan goes on by the index, where this one has not asked. */
export function keepIndexBase(
  known: KnownTable,
  { state }: Pick<PlanContext, 'state'>,
): IndexBase | undefined {
  const { captured, plannedAt } = state;
  if (known.index === undefined || captured === undefined || plannedAt === undefined) return undefined;
  return { ...known.index, base: known.index.base ?? { captured, plannedAt } };
}
