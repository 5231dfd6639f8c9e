import type { AsOf } from '../../../shared/ledger/as-of.ts';
import type { Model } from '../../../shared/model/model.ts';
import {
  beginCommandFor,
  commandFor,
  type ResumableSite,
  resumeCommandFor,
  type Site,
} from '../../site/site.ts';
import { formatDuration, formatTime } from '../../terminal/time.ts';
import { formatCount } from '../../terminal/wording.ts';
import { type Evidence, ifAnswered, isBusy, isLoaded } from '../evidence/evidence.ts';
import { listNames } from './causes.ts';
import type { Trouble } from './trouble.ts';

export interface LatenessContext {
  site: ResumableSite;
  model: Model;
  asOf: ReadonlyMap<string, AsOf>;
}

/** A watch that is given no objective has this many intervals, and no less than this many seconds. */
const watchIntervals = 10;
const leastSeconds = 10;

/**
 * How old the warehouse may be.
 *
 * @param objectiveSeconds given by option or in starlift.yml
 * @returns undefined where nothing says so: the age of a single run's warehouse is shown, and is no trouble
 */
export function maxLagOf(
  objectiveSeconds: number | undefined,
  { isRunning, pid, everySeconds }: Evidence['activity'],
): number | undefined {
  // A stage has a schedule and no process; its alarms have an objective of their own.
  const isStage = isRunning && pid === undefined;
  if (objectiveSeconds !== undefined || everySeconds === undefined || isStage) return objectiveSeconds;
  return Math.max(leastSeconds, watchIntervals * everySeconds);
}

/** A warehouse that was never loaded has no age, so lateness does not show it. */
export function findNotLoaded(evidence: Evidence, { site, asOf }: LatenessContext): Trouble[] {
  const { activity, objects } = evidence;
  const plans = ifAnswered(objects);
  if (plans === undefined || plans.attempts?.succeeded !== undefined) return [];
  const isAtWork = activity.isRunning && activity.pid !== undefined;
  if (isLoaded(evidence) || asOf.size > 0 || isAtWork || isBusy(evidence)) return [];
  const text = 'nothing has been loaded yet';
  return [{ kind: 'not loaded', table: null, text, command: beginCommandFor(site) }];
}

/** Nothing fails of it, and so nothing else says so before the warehouse is late. */
export function findStoppedParts({ stoppedParts }: Evidence, site: ResumableSite): Trouble[] {
  if (stoppedParts === undefined) return [];
  if (!stoppedParts.answered) {
    const text = `whether the stage works as it was deployed cannot be said: ${stoppedParts.reason}`;
    return [{ kind: 'unanswered', table: null, text, command: commandFor(site, 'status') }];
  }
  if (stoppedParts.value.length === 0) return [];
  const text = `the stage does not work as it was deployed: ${stoppedParts.value.join('; ')}`;
  return [{ kind: 'stopped', table: null, text, command: resumeCommandFor(site) }];
}

/** Schedules that may pass without an attempt: a deploy, or a plan that takes long. */
const missedSchedules = 3;

/** Nobody plans, and the warehouse is late, work is left on the queues, or the last run has died. */
export function findNotRunning(evidence: Evidence, { site, asOf }: LatenessContext): Trouble[] {
  const { activity, now, objects, queues } = evidence;
  const attempts = ifAnswered(objects)?.attempts;
  if (activity.pausedSince !== undefined) {
    const text = `the stage is paused since ${formatTime(activity.pausedSince)}: it plans and loads nothing`;
    return [{ kind: 'paused', table: null, text, command: resumeCommandFor(site) }];
  }
  if (activity.isRunning) return findMissedSchedule(evidence, site);
  const lateOf = findAges(evidence, asOf);
  const oldest = lateOf.toSorted((a, b) => a.instant.getTime() - b.instant.getTime())[0];
  const isLate = oldest?.isLate === true;
  if (!activity.endedUnexpectedly && !isLate && !isBusy(evidence)) return [];
  const since = attempts === undefined ? '' : ` since ${formatTime(attempts.attemptedAt)}`;
  const died = activity.endedUnexpectedly ? `: process ${activity.pid} has ended unexpectedly` : '';
  const messages = (ifAnswered(queues)?.queues ?? []).reduce(
    (sum, each) => sum + each.ready + each.inFlight,
    0,
  );
  const left =
    messages === 0
      ? ''
      : `, and ${messages === 1 ? '1 message is' : `${formatCount(messages)} messages are`} on the queues`;
  const age = oldest === undefined ? '' : `; the warehouse is as of ${describeAge(oldest.instant, now)}`;
  const may = isLate ? `, and may be ${formatDuration(evidence.maxLagSeconds ?? 0)} old` : '';
  return [
    {
      kind: 'not running',
      table: null,
      text: `nobody is running${since}${died}${left}${age}${may}`,
      command: commandFor(site, 'run'),
    },
  ];
}

function findMissedSchedule({ activity, now, objects }: Evidence, site: Pick<Site, 'selector'>): Trouble[] {
  const attemptedAt = ifAnswered(objects)?.attempts?.attemptedAt;
  const { everySeconds } = activity;
  if (attemptedAt === undefined || everySeconds === undefined) return [];
  const seconds = (now.getTime() - Date.parse(attemptedAt)) / 1000;
  if (seconds < Math.max(60, missedSchedules * everySeconds)) return [];
  const planner = activity.pid === undefined ? 'the schedule plans' : `process ${activity.pid} plans`;
  return [
    {
      kind: 'not running',
      table: null,
      text: `no plan has been attempted since ${formatTime(attemptedAt)}, and ${planner} every ${formatDuration(everySeconds)}`,
      command:
        activity.pid === undefined ? commandFor(site, 'run') : `ps -o pid,stat,args -p ${activity.pid}`,
    },
  ];
}

/** Clocks of two machines may differ by as much. */
const mayBeAheadSeconds = 60;

/** Until the clock is there again, every age is less than none, and nothing would ever be late. */
export function findClockSetBack({ now, objects }: Evidence, site: Pick<Site, 'selector'>): Trouble[] {
  const { attempts, plans } = ifAnswered(objects) ?? {};
  const plannedAt = Math.max(Date.parse(attempts?.attemptedAt ?? '') || 0, plans?.plannedAt.getTime() ?? 0);
  const aheadSeconds = (plannedAt - now.getTime()) / 1000;
  if (aheadSeconds <= mayBeAheadSeconds) return [];
  return [
    {
      kind: 'clock',
      table: null,
      text: `the last plan is dated ${formatTime(new Date(plannedAt))}, ${formatDuration(aheadSeconds)} from now: a clock was set back, and how old the warehouse is cannot be told before the next plan`,
      command: commandFor(site, 'run'),
    },
  ];
}

/** Somebody plans, and all the same a table is older than it may be. */
export function findLate(evidence: Evidence, { site, model, asOf }: LatenessContext): Trouble[] {
  const late = findAges(evidence, asOf).filter(({ isLate }) => isLate);
  const oldest = late.toSorted((a, b) => a.instant.getTime() - b.instant.getTime())[0];
  if (oldest === undefined) return [];
  const isAll = late.length === model.tables.length;
  const names = late.map(({ table }) => table);
  const subject = isAll ? 'the warehouse is' : `${listNames(names)} ${names.length === 1 ? 'is' : 'are'}`;
  return [
    {
      kind: 'late',
      table: names.length === 1 ? oldest.table : null,
      text: `${subject} late: as of ${describeAge(oldest.instant, evidence.now)}, and may be ${formatDuration(evidence.maxLagSeconds ?? 0)} old`,
      command: commandFor(site, 'run'),
    },
  ];
}

/** Looks at a whole table may be rare by rule: where an index brings the newest changes, that is no lateness before a day. */
const exactWithinSeconds = 86_400;

/** The newest changes are there, and all the same nothing has looked at the whole table for long. */
export function findInexact(evidence: Evidence, { site, asOf }: LatenessContext): Trouble[] {
  const { now, maxLagSeconds } = evidence;
  if (maxLagSeconds === undefined) return [];
  const withinSeconds = Math.max(exactWithinSeconds, maxLagSeconds);
  return [...asOf].flatMap(([table, { instant, fresh }]): Trouble[] => {
    const isExact = now.getTime() - instant.getTime() <= withinSeconds * 1000;
    if (fresh === undefined || isExact) return [];
    return [
      {
        kind: 'late',
        table,
        text: `${table} is exact as of ${describeAge(instant, now)}: what was changed since without ${fresh.column}, or was committed late, may be missing`,
        command: commandFor(site, 'run --exact'),
      },
    ];
  });
}

interface TableAge {
  table: string;
  instant: Date;
  isLate: boolean;
}

/** By the newest changes: looks at the whole of a large table are rarer. */
const findAges = ({ now, maxLagSeconds }: Evidence, asOf: ReadonlyMap<string, AsOf>): TableAge[] =>
  [...asOf].map(([table, { instant: exact, fresh }]) => {
    const instant = fresh?.instant ?? exact;
    return {
      table,
      instant,
      isLate: maxLagSeconds !== undefined && now.getTime() - instant.getTime() > maxLagSeconds * 1000,
    };
  });

/** @example '2026-11-30 21:51:29 UTC (6 min ago)' */
const describeAge = (instant: Date, now: Date): string =>
  `${formatTime(instant)} (${formatDuration((now.getTime() - instant.getTime()) / 1000)} ago)`;
