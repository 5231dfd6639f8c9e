import { setTimeout as delay } from 'node:timers/promises';
import { loadSampleTrading } from '../../models/built-in.ts';
import { queueKinds } from '../../shared/queue/queue-settings.ts';
import type { PlannedRun } from '../../shared/records/plan/run-record.ts';
import type { Services } from '../embedded/services.ts';
import { InvocationError } from '../embedded/workers/invocation-error.ts';
import { isDrained } from '../site/embedded/embedded-queues.ts';
import { makeEmbeddedSite } from '../site/embedded/embedded-site.ts';
import type { LedgerCount } from '../site/ledger.ts';
import type { RunnableSite } from '../site/site.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { takeNewWarnings } from './carry-on.ts';
import { onceEvery } from './once-every.ts';
import type { Pipeline } from './pipeline.ts';
import { type Finding, listUnexplained } from './report/check-tables.ts';
import { hasLastingTrouble, isTransient, makeReport, type RunReport } from './report/make-report.ts';
import { makeCyclePrinter } from './report/report.ts';
import { makeTeller } from './tell-once.ts';

export interface WatchOptions {
  everySeconds: number;
  interrupted: AbortSignal;
  /** Called with each report's result: whether nothing needs attention, but for what passes by itself. */
  onReport(isWell: boolean): void;
}

/** A server's end is noticed a moment after the end of its connections. */
const endNoticedWithinMs = 500;

/**
 * Plans on its interval until it is interrupted, while the embedded shop keeps trading. What is planned is loaded and
 * reported meanwhile: a plan waits for none of it. A database that is unavailable is waited for.
 *
 * @throws {Error} a plan failed for a reason that does not pass by itself, such as a corrupt capture state
 */
export async function watchSource(
  pipeline: Pipeline,
  { everySeconds, interrupted, onReport }: WatchOptions,
  terminal: Terminal,
): Promise<void> {
  const { shopUrl, broken } = pipeline.stack;
  const failed = new AbortController();
  const ending = AbortSignal.any([interrupted, broken, failed.signal]);
  const trading = shopUrl === undefined ? undefined : (await loadSampleTrading()).startTrading(shopUrl, {});
  const watch: Watch = {
    site: makeEmbeddedSite(pipeline),
    pipeline,
    everyMs: everySeconds * 1000,
    ending,
    terminal,
    plans: { count: 0, latest: undefined },
    isOk: true,
    onReport,
  };
  const endOther = (error: unknown) => {
    failed.abort();
    throw error;
  };
  try {
    terminal.info(`Watching the source every ${everySeconds} s; press Ctrl-C to stop.`);
    await Promise.all([
      planOnInterval(watch).catch(endOther),
      reportWhatIsDone(watch).catch(endOther),
      sweepOnSchedule(watch).catch(endOther),
    ]);
    // Remembers what was loaded since the last check, too.
    if (!broken.aborted) await pipeline.checkLedger().catch(() => {});
  } finally {
    await trading?.stop();
  }
}

interface Watch {
  site: RunnableSite;
  pipeline: Pipeline;
  everyMs: number;
  ending: AbortSignal;
  terminal: Terminal;
  plans: { count: number; latest: PlannedRun | undefined };
  /** By the last report. */
  isOk: boolean;
  onReport: WatchOptions['onReport'];
}

/** From start to start, as a schedule has it, and whatever is still in flight. */
async function planOnInterval(watch: Watch): Promise<void> {
  const { site, ending, everyMs, plans, pipeline } = watch;
  const tell = makeTeller(watch.terminal);
  while (!ending.aborted) {
    const begun = performance.now();
    const next = begun + everyMs;
    try {
      const planned = await site.plan();
      if (isAnyUnlocked(plans.latest, planned)) pipeline.services.wake('extract');
      plans.latest = planned;
      plans.count += 1;
      tell(undefined);
    } catch (error) {
      if (await isEnding(ending)) return;
      if (!isTransient(error) && !isLostInvocation(error)) throw error;
      watch.isOk = false;
      await pipeline.outages.look();
      if (!pipeline.outages.wasOut('source', begun)) tell(error);
    }
    await pause(Math.max(0, next - performance.now()), ending);
  }
}

/** Of a plan that ran out of time, or whose process died: the next one may be quicker, and says it if it is not. */
const isLostInvocation = (error: unknown): boolean =>
  error instanceof InvocationError &&
  (/^(Runtime|Sandbox)\./.test(error.errorType) || error.message.includes('[AbortError]'));

/** Whether a table is free that the plan before has found locked: the message that was sent meanwhile waits for minutes. */
function isAnyUnlocked(before: PlannedRun | undefined, { locked = [] }: PlannedRun): boolean {
  return (before?.locked ?? []).some(({ table }) => locked.every((other) => other.table !== table));
}

const lookEveryMs = 20;
const secondMs = 1000;
/** Each report asks for the model in force as well. */
const followEveryMs = 2 * secondMs;
const checkEveryMs = 60_000;
/** Somebody may be at it. */
const checkFoundEveryMs = 5000;
/** Rows that are late often come many at a time, and the same census is to be applied once for all of them. */
const dueEveryMs = 60_000;
/** What was wrong may be put right without a message, for example by a row that is dropped from the quarantine. */
const reportTroubleEveryMs = 10_000;

/**
 * Reports what is loaded, as soon as nothing is in flight, or once in the interval while something is. Nothing that keeps it
 * from being reported ends the watch.
 */
async function reportWhatIsDone(watch: Watch): Promise<void> {
  const { pipeline, site, ending, everyMs, terminal, plans } = watch;
  const print = makeCyclePrinter(terminal);
  const tell = makeTeller(watch.terminal);
  const count = makeCounter(site);
  const checkLedger = onceEvery(checkEveryMs, () => pipeline.checkLedger(), { first: 'after a period' });
  const tables = makeTableChecks(() => pipeline.checkTables({ isAgain: true }));
  const sendDue = onceEvery(dueEveryMs, () => site.sendDue?.(), { first: 'after a period' });
  let reported = { done: 0, plans: 0, at: Number.NEGATIVE_INFINITY };
  let followedAt = Number.NEGATIVE_INFINITY;
  const follow = async () => {
    followedAt = performance.now();
    await pipeline.followModel();
  };
  let begun = performance.now();
  let secondAt = 0;
  while (!ending.aborted) {
    await pause(lookEveryMs, ending);
    const now = performance.now();
    const done = pipeline.services.countDone();
    const isNew = done !== reported.done || plans.count !== reported.plans;
    if (!isNew) begun = now;
    const isIdle = isDrained(pipeline.stack.cloud);
    const isLate = now - reported.at >= Math.min(everyMs, reportTroubleEveryMs);
    try {
      if (now >= secondAt) {
        secondAt = now + secondMs;
        await pipeline.outages.look();
        await pipeline.renewConnection();
        if (now - followedAt >= followEveryMs) await follow();
        await checkLedger();
        await sendDue();
        await tables.checkWhenDue();
      }
      const isTroubled = !watch.isOk && now - reported.at >= reportTroubleEveryMs;
      if (plans.latest === undefined || !((isNew && (isIdle || isLate)) || isTroubled)) continue;
      // A plan that went by another model is reported by that one.
      await follow();
      // What is planned or done from here on is the next report's.
      const until = { done, plans: plans.count, at: now };
      const facts = {
        startedAt: new Date(Date.now() - (now - begun)),
        seconds: (now - begun) / 1000,
        ledger: await count(isIdle),
        findings: tables.findings(),
      };
      let report = await makeReport(site, plans.latest, facts);
      if (await tables.checkAfter(report)) {
        report = await makeReport(site, plans.latest, { ...facts, findings: tables.findings() });
      }
      reported = until;
      watch.isOk = report.ok;
      watch.onReport(!hasLastingTrouble(report));
      if (isIdle) site.noteDrained?.(report.run);
      const { folder } = pipeline.stack;
      if (!ending.aborted) print({ ...report, warnings: takeNewWarnings(folder, report.warnings) });
      tell(undefined);
    } catch (error) {
      if (await isEnding(ending)) return;
      watch.isOk = false;
      if (!isTransient(error)) watch.onReport(false);
      // A connection that was lost and can be had again is nothing to tell; where it cannot, its outage is told.
      const { warehouse } = pipeline;
      await pipeline.renewConnection().catch(() => {});
      if (pipeline.warehouse === warehouse && !pipeline.outages.wasOut('warehouse', now)) tell(error);
      await pause(secondMs, ending);
    }
  }
}

/**
 * Checks the star tables once a minute, more often while something is wrong with one, and at once where loads have failed:
 * their table may have gone since, and then one finding covers both.
 */
function makeTableChecks(checkTables: () => Promise<Finding[]>) {
  let findings: Finding[] = [];
  let checkedAt = Number.NEGATIVE_INFINITY;
  let failedBefore = 0;
  const check = async () => {
    checkedAt = performance.now();
    findings = await checkTables();
  };
  const countFailedLoads = ({ deadLetters }: RunReport) =>
    listUnexplained(deadLetters, findings).filter(({ queue }) => queue === 'load').length;
  return {
    findings: (): readonly Finding[] => findings,
    checkWhenDue: async () => {
      const isFound = findings.some(({ passes }) => passes !== true);
      const everyMs = isFound ? checkFoundEveryMs : checkEveryMs;
      if (performance.now() - checkedAt >= everyMs) await check();
    },
    /** @returns whether there was a reason to check */
    checkAfter: async (report: RunReport): Promise<boolean> => {
      const isDue = countFailedLoads(report) > failedBefore;
      if (isDue) await check();
      failedBefore = countFailedLoads(report);
      return isDue;
    },
  };
}

/**
 * Makes the counter of what was loaded since the last count. The time from which the ledger is read moves on only when nothing
 * is in flight: a load that was entered before and commits after would be missed.
 */
function makeCounter(site: RunnableSite): (isIdle: boolean) => Promise<LedgerCount[]> {
  let counted: readonly LedgerCount[] = [];
  return async (isIdle) => {
    const counts = await site.countLoaded();
    const before = (table: string) => counted.find((known) => known.table === table);
    const news = counts.map((count) => {
      const known = before(count.table);
      return {
        table: count.table,
        rows: count.rows - (known?.rows ?? 0),
        quarantined: count.quarantined - (known?.quarantined ?? 0),
        deleted: count.deleted - (known?.deleted ?? 0),
        runs: count.runs,
      };
    });
    if (isIdle) await site.endReport();
    counted = isIdle ? [] : counts;
    return news;
  };
}

/** Not in the way of plans and reports: a sweep may take minutes. */
async function sweepOnSchedule(watch: Watch): Promise<void> {
  const { pipeline, ending } = watch;
  const tell = makeTeller(watch.terminal);
  const sweep = makeScheduledSweeps(pipeline.services);
  while (!ending.aborted) {
    try {
      await sweep();
    } catch (error) {
      if (await isEnding(ending)) return;
      tell(error);
    }
    await pause(secondMs, ending);
  }
}

/** As services/stages.yml has it for a deployed stage. */
const sweepPeriodMs = 15 * 60 * 1000;

/**
 * Makes the function that runs the three sweeps once in each quarter of an hour, the first time a quarter of an hour
 * from now.
 *
 * @param now milliseconds of a clock that nobody sets
 */
export function makeScheduledSweeps(
  services: Pick<Services, 'sweep'>,
  now: () => number = () => performance.now(),
): () => Promise<void> | undefined {
  const sweepAll = async () => {
    for (const kind of queueKinds) await services.sweep(kind);
  };
  return onceEvery(sweepPeriodMs, sweepAll, { first: 'after a period', now });
}

async function isEnding(ending: AbortSignal): Promise<boolean> {
  await pause(endNoticedWithinMs, ending);
  return ending.aborted;
}

const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  delay(milliseconds, undefined, { signal }).catch(() => {});
