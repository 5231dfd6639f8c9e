import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../database/connect.ts';
import type { LookOptions } from '../embedded/services.ts';
import { makeEmbeddedSite } from '../site/embedded/embedded-site.ts';
import { noteRunning } from '../site/embedded/running-note.ts';
import { maxLagOf } from '../status/troubles/lateness.ts';
import { lineEveryMs } from '../terminal/progress.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { takeNewWarnings } from './carry-on.ts';
import { StillRefusedError } from './connect-named.ts';
import { type Pipeline, type PipelineOptions, startPipeline } from './pipeline.ts';
import type { Finding } from './report/check-tables.ts';
import { isTransient, type RunReport } from './report/make-report.ts';
import { printNextSteps } from './report/next-steps.ts';
import { type EstimateRows, estimateRows, printReport, showProgress } from './report/report.ts';
import { listUnfinished, listUnfinishedOf } from './report/unfinished.ts';
import { runOnce } from './run-once.ts';
import { makeTeller } from './tell-once.ts';
import { startWatchConsole } from './watch-console.ts';
import { watchSource } from './watch-source.ts';

/** A server's end is noticed a moment after the end of its connections. */
const reasonWithinMs = 500;

// Together with what stops the pipeline, less than the 5 s in which Ctrl-C ends a command.
const startEndsWithinMs = 3500;
const workEndsWithinMs = 500;

/** Of a watch, from one census of a table to the next at the earliest. */
const floorIntervals = 10;

export interface EmbeddedRunOptions extends PipelineOptions {
  watch: boolean;
  /** Between the runs of a watch. */
  everySeconds: number;
  /** How long a run goes on while nothing gets done because something refuses, or is locked; a watch waits for ever. */
  waitMs: number;
  /** From starlift.yml. */
  freshnessSeconds?: number | undefined;
  /** Large tables are looked at, too, of which no write was reported. */
  isExact?: boolean;
  interrupted: AbortSignal;
  /** Options of the console that is shown while the watch runs; undefined without one. */
  console?: readonly string[] | undefined;
}

/**
 * Runs, or watches, on the stack of a data folder.
 *
 * @returns the exit code; 130 when a run was interrupted
 * @throws {UsageError | StackError | TerminalError} one line that names what is wrong
 */
export async function runEmbedded(options: EmbeddedRunOptions, terminal: Terminal): Promise<number> {
  try {
    return await runOnStack(options, terminal);
  } catch (error) {
    if (!(error instanceof StillRefusedError)) throw error;
    const { data, source, warehouse } = options;
    return printUnfinished(error, await listUnfinishedOf(data, { source, warehouse }, new Date()), terminal);
  }
}

/** What a run has waited for in vain, and what waits for it. @returns the exit code */
function printUnfinished(error: unknown, findings: readonly Finding[], terminal: Terminal): 1 {
  terminal.redraw([]);
  terminal.error(error instanceof Error ? error.message : String(error));
  for (const { text, command } of findings) {
    terminal.info(`${terminal.style('red', '!')} ${text}`);
    terminal.info(`    ${command}`);
  }
  return 1;
}

async function runOnStack(options: EmbeddedRunOptions, terminal: Terminal): Promise<number> {
  const { interrupted } = options;
  // A single run waits for its censuses, whenever the last ones were.
  const censusFloorSeconds = options.watch ? floorIntervals * options.everySeconds : 0;
  const looking = chooseLooking(options);
  const starting = startPipeline({ ...options, censusFloorSeconds, looking }, terminal).catch(
    (error: unknown) => {
      // Interrupted while it waited for a database.
      if (interrupted.aborted && error instanceof UsageError) return undefined;
      throw error;
    },
  );
  const pipeline = await unlessHung(starting, interrupted, startEndsWithinMs);
  if (pipeline === undefined) {
    terminal.info('Stopped before the run began.');
    return 130;
  }
  const { broken, folder } = pipeline.stack;
  const { console: shown } = options;
  // An interrupted watch that waits for a server is not waited for.
  let isWell = true;
  let endConsole = () => {};
  const onReport = (isWellNow: boolean) => {
    isWell = isWellNow;
  };
  try {
    noteRunning(folder, options.watch ? options.everySeconds : undefined);
    if (shown !== undefined) endConsole = startWatchConsole(folder.path, shown, terminal);
    const work = options.watch
      ? watchSource(pipeline, { ...options, onReport }, terminal).then(() => undefined)
      : runToTheEnd(pipeline, options, terminal);
    const code = await unlessBroken(unlessHung(work, interrupted, workEndsWithinMs), broken);
    if (options.watch) {
      if (interrupted.aborted) terminal.info('Stopped watching.');
      return isWell ? 0 : 1;
    }
    if (code === undefined || code === 130) terminal.info(stopped);
    return code ?? 130;
  } finally {
    endConsole();
    await pipeline.stop().catch((error: unknown) => {
      // An error while stopping must not hide the reason.
      if (!broken.aborted) throw error;
    });
  }
}

/** Somebody waits for a single run, so it leaves out only what would take long to look at. */
const quietAboveMibOfRun = 1024;
/**
 * A watch shows a change within its interval. A session that writes several times a second reports some of it ten seconds
 * later, so tables are left out only where a look at each interval would be felt.
 */
const quietAboveMibOfWatch = 128;

function chooseLooking({
  watch,
  everySeconds,
  freshnessSeconds,
  isExact = false,
}: Pick<EmbeddedRunOptions, 'watch' | 'everySeconds' | 'freshnessSeconds' | 'isExact'>): LookOptions {
  if (!watch) return { freshnessSeconds, quietAboveMib: quietAboveMibOfRun, isExact };
  const activity = { isRunning: true, pid: process.pid, endedUnexpectedly: false, everySeconds };
  return {
    freshnessSeconds: maxLagOf(freshnessSeconds, activity),
    quietAboveMib: quietAboveMibOfWatch,
    isExact,
  };
}

const stopped = 'Stopped. Unfinished work stays in its queue; the next run carries on.';

/**
 * Interrupted work ends on its own, unless it waits for a server that does not answer.
 *
 * @returns undefined where it does not end
 */
async function unlessHung<T>(
  work: Promise<T>,
  interrupted: AbortSignal,
  withinMs: number,
): Promise<T | undefined> {
  const interruption = new Promise<void>((resolve) => {
    if (interrupted.aborted) resolve();
    interrupted.addEventListener('abort', () => resolve(), { once: true });
  });
  // Failures after that are not reported: the command has ended.
  work.catch(() => {});
  const hung = interruption.then(() => delay(withinMs, undefined, { ref: false }));
  return Promise.race([work, hung]);
}

/** When the database ends, every call fails with its own error: this waits for the real reason. */
async function unlessBroken<T>(work: Promise<T>, broken: AbortSignal): Promise<T> {
  const reason = new Promise<never>((_, reject) => {
    if (broken.aborted) reject(broken.reason);
    broken.addEventListener('abort', () => reject(broken.reason));
  });
  const late = () => delay(reasonWithinMs, undefined, { ref: false });
  return Promise.race([
    work.catch(async (error: unknown) => {
      await Promise.race([reason, late()]);
      throw error;
    }),
    reason,
  ]);
}

async function runToTheEnd(
  pipeline: Pipeline,
  { data, interrupted, waitMs }: EmbeddedRunOptions,
  terminal: Terminal,
): Promise<number> {
  const site = makeEmbeddedSite(pipeline);
  const estimate: EstimateRows = async (tables) => {
    const source = await connect(pipeline.stack.sourceUrl, 'source');
    return estimateRows(source, tables).finally(() => source.end());
  };
  const tell = makeTeller(terminal);
  const work = runOnce(site, showProgress(terminal, pipeline.model, estimate), {
    signal: interrupted,
    waitMs,
    ...(!terminal.isInteractive && { progressEveryMs: lineEveryMs }),
    onSecond: async () => {
      await pipeline.outages.look();
      // Said by its outage, where it cannot be had.
      await pipeline.renewConnection().catch(() => {});
    },
    onRefusal: (error) => {
      // The run ends, and says why.
      if (pipeline.stack.broken.aborted) return;
      if (!pipeline.outages.isOut('source') && !pipeline.outages.isOut('warehouse')) tell(error);
    },
    check: () => pipeline.checkTables(),
  });
  let report: RunReport;
  try {
    report = await work;
  } catch (error) {
    // What refuses is named, and no report can be made without it.
    if (interrupted.aborted || pipeline.stack.broken.aborted || !isTransient(error)) throw error;
    return printUnfinished(error, await listUnfinished(site, new Date()), terminal);
  }
  if (interrupted.aborted) return 130;
  const isNothingNew = report.tables.every(({ extracted }) => extracted === 0);
  // An outage may be open that a worker has noted and not ended, because it died.
  await pipeline.outages.look();
  if (!isNothingNew) await pipeline.checkLedger();
  printReport({ ...report, warnings: takeNewWarnings(pipeline.stack.folder, report.warnings) }, terminal);
  if (report.ok && !terminal.json && !isNothingNew) await printNextSteps(pipeline, data, terminal);
  return report.ok ? 0 : 1;
}
