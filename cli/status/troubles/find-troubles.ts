import type { AsOf } from '../../../shared/ledger/as-of.ts';
import type { Model } from '../../../shared/model/model.ts';
import { maxAttempts } from '../../../shared/queue/queue-settings.ts';
import type { Side } from '../../../shared/records/outages.ts';
import type { Retrying } from '../../../shared/records/retrying.ts';
import { describeDroppedRows } from '../../failures/drop.ts';
import { describeGroup, groupFailures } from '../../failures/list-failures.ts';
import { commandFor, type ResumableSite, type Site } from '../../site/site.ts';
import { formatTime } from '../../terminal/time.ts';
import { formatCount, formatRows } from '../../terminal/wording.ts';
import { describeWait, groupWaits } from '../../waiting/explain-waits.ts';
import { describeRefused } from '../../waiting/refused-rows.ts';
import { type Evidence, ifAnswered, isBusy } from '../evidence/evidence.ts';
import { groupByCause, listNames } from './causes.ts';
import { findCensuses } from './census-troubles.ts';
import { isToldByTable } from './changed-tables.ts';
import {
  findClockSetBack,
  findInexact,
  findLate,
  findNotLoaded,
  findNotRunning,
  findStoppedParts,
} from './lateness.ts';
import { findSides } from './sides.ts';
import type { Trouble } from './trouble.ts';
import { findChangedTables } from './warehouse-troubles.ts';

export interface TroubleContext {
  site: ResumableSite & Pick<Site, 'warehouseSchema'>;
  model: Model;
  asOf: ReadonlyMap<string, AsOf>;
  /** Open runs that have nothing on a queue, by table. */
  lost: ReadonlyMap<string, readonly string[]>;
}

/** Everything that needs attention, each cause once with one command: first what others depend on. */
export function findTroubles(evidence: Evidence, context: TroubleContext): Trouble[] {
  const sides = findSides(evidence, context.site);
  const stopped = [...findStoppedParts(evidence, context.site), ...findNotRunning(evidence, context)];
  const changed = findChangedTables(evidence, context);
  const own = [
    ...findFailures(evidence, context),
    ...findFailing(evidence, context),
    ...findLocked(evidence, context),
    ...findRetrying(evidence, context),
    ...findLost(evidence, context),
  ];
  // Whoever is out or gone is why the warehouse is late.
  const isExplained = sides.length + stopped.length + own.length > 0;
  return [
    ...sides,
    ...stopped,
    ...findClockSetBack(evidence, context.site),
    ...changed,
    ...own,
    ...(isExplained
      ? []
      : [
          ...findNotLoaded(evidence, context),
          ...findLate(evidence, context),
          ...findInexact(evidence, context),
        ]),
    ...findDifferent(evidence, context),
    ...findCensuses(evidence, context),
    ...findForgetting(evidence, context),
    ...findDropped(evidence, context),
    ...findQuarantined(evidence, context),
    ...findWaits(evidence, context),
    ...(ifAnswered(evidence.objects)?.damaged ?? []).map(
      (text): Trouble => ({ kind: 'damaged', table: null, text, command: commandFor(context.site, 'run') }),
    ),
  ];
}

/** A row may be left in one place of several. The command needs its key, which nothing keeps. */
function findForgetting({ objects, now }: Evidence, { site }: TroubleContext): Trouble[] {
  const open = (ifAnswered(objects)?.forgetting ?? []).filter(
    ({ begunAt }) => now.getTime() - Date.parse(begunAt) > forgettingTakesMs,
  );
  return open.map(({ table, begunAt, id, by }) => ({
    kind: 'forgetting',
    table,
    text: `a row of ${table} was to be forgotten since ${formatTime(begunAt)}, by ${by}, and may be left somewhere (${id.slice(0, 16)}): type that forget command again`,
    command: commandFor(site, 'forget --list'),
  }));
}

/** On a busy stage it waits for half an hour, and reads every object of the table. */
const forgettingTakesMs = 3_600_000;

const namesOf = ({ sources, tables }: Model): string[] => [...sources, ...tables].map(({ name }) => name);

const onlyOne = (tables: readonly string[]): string | null =>
  tables.length === 1 ? (tables[0] ?? null) : null;

function findFailures({ queues, counts }: Evidence, { site, model }: TroubleContext): Trouble[] {
  const tables = ifAnswered(counts)?.tables ?? [];
  const letters = (ifAnswered(queues)?.letters ?? []).filter((letter) => !isToldByTable(tables, letter));
  const groups = groupFailures(letters, site);
  const causes = groupByCause(
    groups,
    ({ table, queue, error, reason }) => ({ table, words: `${queue} ${error} ${reason}` }),
    namesOf(model),
  );
  return causes.flatMap(({ tables, items }): Trouble[] => {
    const [first, ...more] = items;
    if (first === undefined) return [];
    if (more.length === 0) {
      return [{ kind: 'failed', table: first.table, text: describeGroup(first), command: first.mend }];
    }
    const messages = items.reduce((sum, { count }) => sum + count, 0);
    const text = `${formatCount(messages)} messages of ${listNames(tables)} failed in ${first.queue}: ${first.reason}`;
    const command = commandFor(site, `redrive --queue ${first.queue}`);
    return [{ kind: 'failed', table: null, text, command }];
  });
}

/** Source tables that the last plan could not extract. */
function findFailing({ objects, queues }: Evidence, { site, model }: TroubleContext): Trouble[] {
  const reported = new Set(
    (ifAnswered(queues)?.letters ?? []).filter(({ queue }) => queue === 'extract').map(({ table }) => table),
  );
  const failing = [...(ifAnswered(objects)?.failing ?? [])].filter(([table]) => !reported.has(table));
  const causes = groupByCause(failing, ([table, reason]) => ({ table, words: reason }), namesOf(model));
  return causes.map(({ tables, items }) => ({
    kind: 'cannot be extracted',
    table: onlyOne(tables),
    text: `${listNames(tables)} cannot be extracted: ${items[0]?.[1] ?? ''}`,
    // Its message is on the queue again, or was taken off it: the next plan reads the source either way.
    command: commandFor(site, 'run'),
  }));
}

/** What the last verification found is true until the next one. */
function findDifferent({ objects }: Evidence, { site }: TroubleContext): Trouble[] {
  const verified = ifAnswered(objects)?.verified;
  const tables = (verified?.tables ?? []).flatMap(({ table, result }) =>
    result === 'different' ? table : [],
  );
  if (verified === undefined || tables.length === 0) return [];
  const at = formatTime(new Date(verified.at));
  return [
    {
      kind: 'different',
      table: onlyOne(tables),
      text: `${listNames(tables)} differed from the source when last verified, at ${at}`,
      command: commandFor(site, 'verify'),
    },
  ];
}

/** Tables of the source that somebody holds, as the last plan saw it and the source confirms. */
function findLocked(evidence: Evidence, { site }: TroubleContext): Trouble[] {
  const locked = listLocked(evidence);
  if (locked === undefined) return [];
  const { tables, lock } = locked;
  const have = tables.length === 1 ? 'has a change that waits' : 'have changes that wait';
  return [
    {
      kind: 'locked',
      table: onlyOne(tables),
      text: `${listNames(tables)} of the source ${have}: ${lock}`,
      command: commandFor(site, askSessions('source')),
    },
  ];
}

function listLocked({ objects, source }: Evidence): { tables: string[]; lock: string } | undefined {
  const locked = ifAnswered(objects)?.attempts?.succeeded?.locked ?? [];
  const live = ifAnswered(source);
  if (locked.length === 0 || (live !== undefined && live.lock === undefined)) return undefined;
  const seen = locked.find((each) => each.lock !== undefined)?.lock;
  return { tables: locked.map(({ table }) => table), lock: live?.lock ?? seen ?? 'its lock was not seen' };
}

const askSessions = (side: Side): string =>
  `sql${side === 'source' ? ' --source' : ''} "select * from pg_stat_activity where state <> 'idle'"`;

/** Messages that are tried again, but for those that wait for a side that is out, or for a lock that is told already. */
function findRetrying(parts: Evidence, { site, model }: TroubleContext): Trouble[] {
  const evidence = ifAnswered(parts.objects);
  const out = new Set<string>((evidence?.outages ?? []).map(({ side }) => side));
  const locked = new Set(listLocked(parts)?.tables);
  const isTold = ({ queue, by, table }: Retrying) =>
    by !== undefined &&
    (out.has(by) || (by === 'lock' && queue === 'extract' && table !== undefined && locked.has(table)));
  const retrying = (evidence?.retrying ?? []).filter((each) => !isTold(each));
  const causes = groupByCause(
    retrying,
    ({ table, queue, reason }) => ({ table: table ?? null, words: `${queue} ${reason}` }),
    namesOf(model),
  );
  return causes.flatMap(({ tables, items }): Trouble[] => {
    const [first] = items.toSorted((a, b) => a.nextAt.localeCompare(b.nextAt));
    if (first === undefined) return [];
    const isLock = items.some(({ by }) => by === 'lock');
    const command = isLock ? askSessions(first.queue === 'extract' ? 'source' : 'warehouse') : 'failures';
    return [
      {
        kind: 'retrying',
        table: onlyOne(tables),
        text: describeRetrying(first, items, tables),
        command: commandFor(site, command),
      },
    ];
  });
}

function describeRetrying(
  { queue, by, reason, nextAt, waitingSince }: Retrying,
  items: readonly Retrying[],
  tables: readonly string[],
): string {
  const subject = tables.length === 0 ? 'a message' : listNames(tables);
  const messages = items.length === 1 ? '' : ` (${formatCount(items.length)} messages)`;
  const attempts = Math.max(...items.map((each) => each.attempts));
  // A refusal does not count, however often it comes.
  const attempt =
    by === undefined
      ? `attempt ${attempts} of ${maxAttempts} failed`
      : `waiting since ${formatTime(waitingSince)}`;
  const are = tables.length > 1 ? 'are' : 'is';
  return `${subject} ${are} retried in ${queue}${messages}, ${attempt}, next at ${formatTime(nextAt)}: ${reason}`;
}

function findLost(evidence: Evidence, { site, lost, model }: TroubleContext): Trouble[] {
  if (lost.size === 0) return [];
  const tables = model.tables.map(({ name }) => name).filter((name) => lost.has(name));
  const runs = new Set([...lost.values()].flat());
  const what = runs.size === 1 ? 'a run' : `${formatCount(runs.size)} runs`;
  const them = evidence.activity.isRunning ? 'The next sweep sends it again' : 'A run sends it again';
  return [
    {
      kind: 'lost',
      table: onlyOne(tables),
      text: `${listNames(tables)}: work of ${what} is not loaded, and on no queue. ${them}`,
      command: commandFor(site, 'run'),
    },
  ];
}

/** Until something brings their rows, the warehouse lacks what the source has, and nothing else says so. */
const findDropped = ({ dropped }: Evidence, { site }: TroubleContext): Trouble[] =>
  (ifAnswered(dropped) ?? []).map((rows) => ({
    kind: 'dropped',
    table: rows.table,
    text: describeDroppedRows(rows),
    command: commandFor(site, `resync --table ${rows.table}`),
  }));

function findQuarantined({ quarantined, gone }: Evidence, { site }: TroubleContext): Trouble[] {
  const goneRows = gone && ifAnswered(gone);
  return [...(ifAnswered(quarantined) ?? [])].flatMap(([table, all]): Trouble[] => {
    const ended = Math.min(all, goneRows?.get(table) ?? 0);
    const troubles: Trouble[] = [];
    if (all > ended) {
      troubles.push({
        kind: 'quarantined',
        table,
        text: `${formatRows(all - ended)} of ${table} broke the contract`,
        command: commandFor(site, `quarantine --table ${table}`),
      });
    }
    if (ended > 0) {
      troubles.push({
        kind: 'quarantined',
        table,
        text: `${formatRows(ended)} of ${table} broke the contract, and the source does not have ${ended === 1 ? 'it' : 'them'} any more`,
        command: commandFor(site, `quarantine drop --table ${table} --gone`),
      });
    }
    return troubles;
  });
}

function findWaits(evidence: Evidence, { site }: TroubleContext): Trouble[] {
  const { waiting, refused = [], counts = [] } = ifAnswered(evidence.waits) ?? {};
  // Why they wait, only the warehouse could say.
  if (waiting === undefined) return counts.map(({ table, rows }) => describeCounted(table, rows, site));
  // Work under way may bring the row at any moment, so such a wait needs no attention yet.
  const isOver = !isBusy(evidence);
  const waits = groupWaits(waiting.filter(({ cause }) => cause !== 'expected' || isOver));
  return [
    ...refused.map(
      (each): Trouble => ({
        kind: 'refused',
        table: each.table,
        text: describeRefused(each),
        command: each.mend,
      }),
    ),
    ...waits.map(
      (group): Trouble => ({
        kind: 'waiting',
        table: group.table,
        text: describeWait(group),
        command: group.mend,
      }),
    ),
  ];
}

const describeCounted = (table: string, rows: number, site: Pick<Site, 'selector'>): Trouble => ({
  kind: 'waiting',
  table,
  text: `${formatRows(rows)} of ${table} ${rows === 1 ? 'waits' : 'wait'} for a dimension row`,
  command: commandFor(site, `waiting --table ${table}`),
});
