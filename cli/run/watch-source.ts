import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { queueKinds } from '../../shared/queue/queue-settings.ts';
import { connect } from '../database/connect.ts';
import type { Services } from '../embedded/services.ts';
import { makeEmbeddedSite } from '../site/embedded/embedded-site.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { onceEvery } from './once-every.ts';
import type { Pipeline } from './pipeline.ts';
import { makeCyclePrinter } from './report.ts';
import { isTransient, type RunReport, runOnce } from './run-once.ts';

export interface WatchOptions {
  everySeconds: number;
  interrupted: AbortSignal;
}

/** A server's end is noticed a moment after the end of its connections. */
const endNoticedWithinMs = 500;
const answerWithinMs = 5000;

/**
 * Makes run after run until it is interrupted, while the embedded shop keeps trading. A database that is unavailable is
 * tried again in the next cycle.
 *
 * @throws {Error} a failure that is not transient, such as a corrupt capture state
 */
export async function watchSource(
  pipeline: Pipeline,
  { everySeconds, interrupted }: WatchOptions,
  terminal: Terminal,
): Promise<void> {
  const { shopUrl, broken } = pipeline.stack;
  const ending = AbortSignal.any([interrupted, broken]);
  const trading =
    shopUrl === undefined ? undefined : (await import('../sample/trading.ts')).startTrading(shopUrl, {});
  const watch = {
    everySeconds,
    ending,
    print: makeCyclePrinter(terminal),
    sweep: makeScheduledSweeps(pipeline.services),
    checkLedger: onceEvery(60_000, () => pipeline.checkLedger(), { first: 'after a period' }),
  };
  try {
    terminal.info(`Watching the source every ${everySeconds} s; press Ctrl-C to stop.`);
    while (!ending.aborted) {
      const next = Date.now() + everySeconds * 1000;
      await runCycle(pipeline, watch, terminal);
      // From start to start, as a schedule has it: a change waits no longer for a run that took long.
      await delay(Math.max(0, next - Date.now()), undefined, { signal: ending }).catch(() => {});
    }
    // Remembers what was loaded since the last check, too.
    if (!broken.aborted) await pipeline.checkLedger().catch(() => {});
  } finally {
    await trading?.stop();
  }
}

/** As services/stages.yml has it for a deployed stage. */
const sweepPeriodMs = 15 * 60 * 1000;

/**
 * Makes the function that runs the three sweeps once in each quarter of an hour, the first time a quarter of an hour
 * from now.
 *
 * @param now milliseconds
 */
export function makeScheduledSweeps(
  services: Pick<Services, 'sweep'>,
  now: () => number = Date.now,
): () => Promise<void> | undefined {
  const sweepAll = async () => {
    for (const kind of queueKinds) await services.sweep(kind);
  };
  return onceEvery(sweepPeriodMs, sweepAll, { first: 'after a period', now });
}

interface Watch {
  everySeconds: number;
  ending: AbortSignal;
  sweep(): Promise<void> | undefined;
  checkLedger(): Promise<void> | undefined;
  print(report: RunReport): void;
}

async function runCycle(
  pipeline: Pipeline,
  { everySeconds, ending, sweep, checkLedger, print }: Watch,
  terminal: Terminal,
): Promise<void> {
  try {
    await renewConnection(pipeline);
    await sweep();
    await checkLedger();
    const report = await runOnce(makeEmbeddedSite(pipeline), undefined, ending);
    if (!ending.aborted) print(report);
  } catch (error) {
    await delay(endNoticedWithinMs, undefined, { signal: ending }).catch(() => {});
    if (ending.aborted) return;
    if (!isTransient(error)) throw error;
    const { message } = error as Error;
    terminal.info(`${terminal.style('yellow', '!')} ${message}; trying again in ${everySeconds} s`);
  }
}

/** Replaces a connection that was lost since the last cycle, for example by a restart of the warehouse, or is half-open. */
async function renewConnection(pipeline: Pipeline): Promise<void> {
  const { warehouse } = pipeline;
  try {
    await warehouse.query({ text: 'select', query_timeout: answerWithinMs } as pg.QueryConfig);
  } catch {
    warehouse.end().catch(() => {});
    pipeline.warehouse = await connect(pipeline.stack.warehouseUrl, 'warehouse');
  }
}
