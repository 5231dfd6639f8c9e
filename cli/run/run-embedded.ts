import { setTimeout as delay } from 'node:timers/promises';
import type { Terminal } from '../terminal.ts';
import { makeEmbeddedSite } from './embedded-site.ts';
import { printNextSteps } from './next-steps.ts';
import { type Pipeline, type PipelineOptions, startPipeline } from './pipeline.ts';
import { printReport, showProgress } from './report.ts';
import { runOnce } from './run-once.ts';
import { watchSource } from './watch-source.ts';

/** A server's end is heard of a moment later than its connections'. */
const reasonWithinMs = 500;

export interface EmbeddedRunOptions extends PipelineOptions {
  watch: boolean;
  /** Between the runs of a watch. */
  everySeconds: number;
  interrupted: AbortSignal;
}

/**
 * Runs, or watches, on the stack of a data folder.
 *
 * @returns the exit code; 130 when a run was interrupted
 * @throws {UsageError | StackError | TerminalError} one line that names what is wrong
 */
export async function runEmbedded(options: EmbeddedRunOptions, terminal: Terminal): Promise<number> {
  const pipeline = await startPipeline(options, terminal);
  const { broken } = pipeline.stack;
  try {
    const work = options.watch
      ? watch(pipeline, options, terminal)
      : runToTheEnd(pipeline, options, terminal);
    return await unlessBroken(work, broken);
  } finally {
    await pipeline.stop().catch((error: unknown) => {
      // What cannot be stopped any more must not hide why.
      if (!broken.aborted) throw error;
    });
  }
}

/** Everything fails when its database ends, each thing in words of its own: this waits for the reason. */
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

async function watch(pipeline: Pipeline, options: EmbeddedRunOptions, terminal: Terminal): Promise<number> {
  await watchSource(pipeline, options, terminal);
  if (options.interrupted.aborted) terminal.info('Stopped watching.');
  return 0;
}

async function runToTheEnd(
  pipeline: Pipeline,
  { data, interrupted }: EmbeddedRunOptions,
  terminal: Terminal,
): Promise<number> {
  const report = await runOnce(makeEmbeddedSite(pipeline), showProgress(terminal), interrupted);
  if (interrupted.aborted) {
    terminal.info('Stopped. What is not done stays in its queue; the next run carries on.');
    return 130;
  }
  printReport(report, terminal);
  const isNothingNew = report.tables.every(({ extracted }) => extracted === 0);
  if (report.ok && !terminal.json && !isNothingNew) await printNextSteps(pipeline, data, terminal);
  return report.ok ? 0 : 1;
}
