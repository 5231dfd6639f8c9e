import { sourceNameOf } from '../../../../shared/model/source-name.ts';
import type { KnownTable, TableBase } from '../../../../shared/records/plan/capture-state.ts';
import type { ExtractMessage, NewRows } from '../../../../shared/records/plan/extract-message.ts';
import { lsnToNumber } from '../../source/snapshot.ts';
import type { Statements } from '../../source/statements.ts';
import { relationNamesOf, type UsableTable } from '../../source/tables.ts';
import { blocksBetween, coveredUntil } from '../../source/wal-summaries.ts';
import { findMark } from '../captured-xids.ts';
import { messageOf, type PlanContext } from '../plan-context.ts';
import { isLeftOut, type Work } from './find-work.ts';

/** A look at a table that read no block but those that the source's log names. */
export interface LookBySummaries {
  /** Up to where the table is captured once the messages are done: what an earlier plan has found. */
  to: TableBase;
  messages: Omit<ExtractMessage, 'slice'>[];
  /** Of the blocks. */
  bytes: number;
}

/** Of a slice. */
const pagesOfSlice = 2000;
/** With more a look at the whole table costs less. */
const mostPages = 20_000;
const largestPart = 0.25;
const pageBytes = 8192;

/**
 * Looks at a table by the summaries of the log, as far as they reach: they come a checkpoint late, so the table is captured up to
 * an earlier plan.
 *
 * Claim: what that plan covers and the base does not lies in a block that was logged between the two positions, or the table is
 * looked at otherwise.
 * - Such an xid was not given out at the first position, and had finished at the second: all that it wrote was logged in between.
 * - Where the files leave something out in between, or the table has another file, or was cut, or is not logged, they do not tell.
 * - A row may be new for a joined one, which lies elsewhere: so no block of a joined table may be named.
 *
 * @returns undefined where they do not tell
 */
export async function lookBySummaries(
  source: Statements,
  usable: UsableTable,
  known: KnownTable | undefined,
  { newRows, because }: Work,
  context: PlanContext,
): Promise<LookBySummaries | undefined> {
  const { state, looking } = context;
  const look = known?.look;
  // Rows whose joined row is gone lie in any block.
  const isOfBlocks = newRows !== undefined && newRows.unmatched !== true;
  const isCandidate = isOfBlocks && because !== 'small' && because !== 'asked for';
  if (!isCandidate || look?.files === undefined || look.files !== filesOf(usable)) return undefined;
  const related = relationsOf(usable);
  if (related.some(({ isUnlogged }) => isUnlogged)) return undefined;
  const lookedAt = (known?.base ?? state).plannedAt;
  const inProgress = newRows.inProgress.filter((xid) => !looking.inProgress.includes(xid));
  const from = findMark(state.marks, { base: newRows.since, inProgress })?.lsn;
  if (from === undefined || lookedAt === undefined) return undefined;
  const summaries = await looking.readSummaries(source);
  const start = lsnToNumber(from);
  const until = summaries && coveredUntil(summaries.files, start);
  if (summaries === undefined || until === undefined) return undefined;
  const found = state.marks?.findLast((mark) => mark.found && lsnToNumber(mark.found.end) <= until)?.found;
  if (found === undefined || Date.parse(found.plannedAt) <= Date.parse(lookedAt)) return undefined;
  if (BigInt(found.captured.base) < BigInt(newRows.since)) return undefined;
  const ageSeconds = (looking.now.getTime() - Date.parse(found.plannedAt)) / 1000;
  if (!isLeftOut(because) && ageSeconds > looking.quiet.summariesAgeSeconds) return undefined;
  const range = { start, end: lsnToNumber(found.end) };
  const [own, ...joined] = related.map(({ fileNodes }) => blocksBetween(summaries, fileNodes, range));
  if (own === undefined || joined.some((blocks) => blocks === undefined || blocks.length > 0))
    return undefined;
  const pages = (look.bytes ?? 0) / pageBytes;
  if (own.length > Math.min(mostPages, Math.max(100, largestPart * pages))) return undefined;
  const { captured, plannedAt } = found;
  return {
    to: { captured, plannedAt },
    messages: messagesOf(usable, newRows, own, context),
    bytes: own.length * pageBytes,
  };
}

function messagesOf(
  usable: UsableTable,
  newRows: NewRows,
  pages: readonly number[],
  context: PlanContext,
): Omit<ExtractMessage, 'slice'>[] {
  const { fileNode } = usable.relation;
  const messages: Omit<ExtractMessage, 'slice'>[] = [];
  for (let start = 0; start < pages.length; start += pagesOfSlice) {
    const own = pages.slice(start, start + pagesOfSlice);
    messages.push({ ...messageOf(usable, newRows, undefined, context), pages: own, fileNode });
  }
  return messages;
}

/** The table's own relation first. */
const relationsOf = ({ table, relations }: UsableTable) =>
  relationNamesOf(table).flatMap((name) => relations.get(sourceNameOf(name)) ?? []);

/** Changes when the rows of the table, or of one that is joined to it, move to another file. */
export const filesOf = (usable: UsableTable): string =>
  relationsOf(usable)
    .map(({ fileNode }) => fileNode)
    .join(' ');
