import { setTimeout as delay } from 'node:timers/promises';
import { parseStage, targetOptions } from '../operator/target-options.ts';
import type { CommandModule } from '../parse-command.ts';
import { makeEmbeddedSite } from '../run/embedded-site.ts';
import { printNextSteps } from '../run/next-steps.ts';
import { type Pipeline, startPipeline } from '../run/pipeline.ts';
import { drawProgress, printReport } from '../run/report.ts';
import { runOnce } from '../run/run-once.ts';
import { type WatchOptions, watchSource } from '../run/watch-source.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

/** A server's end is heard of a moment later than its connections'. */
const reasonWithinMs = 500;

export const command: CommandModule = {
  summary: 'Takes everything new in the source through the three services into the warehouse.',
  usage:
    'starlift run [--source URL] [--warehouse URL] [--data DIR] [--watch] [--every SECONDS] [--json]; starlift run --stage NAME [--region R] [--json]',
  options: {
    ...targetOptions,
    watch: { type: 'boolean', default: false },
    every: { type: 'string' },
  },
  run: async (values, _positionals, terminal) => {
    const stage = parseStage(values, ['data', 'source', 'warehouse', 'watch', 'every']);
    const everySeconds = parseEvery(values.every ?? '10');
    const { source, warehouse, data = '.starlift' } = values as Record<string, string | undefined>;
    const interrupted = interruption();
    if (stage !== undefined) {
      return (await import('../run/run-on-stage.ts')).runOnStage(stage, interrupted, terminal);
    }
    const pipeline = await startPipeline({ data, source, warehouse, watch: values.watch === true }, terminal);
    try {
      const work =
        values.watch === true
          ? watch(pipeline, { everySeconds, interrupted }, terminal)
          : runToTheEnd(pipeline, { data, interrupted }, terminal);
      return await unlessBroken(work, pipeline.stack.broken);
    } finally {
      await pipeline.stop();
    }
  },
};

/** Everything fails when its database ends, each thing in words of its own: this waits for the reason. */
async function unlessBroken<T>(work: Promise<T>, broken: AbortSignal): Promise<T> {
  const reason = new Promise<never>((_, reject) => {
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

async function watch(pipeline: Pipeline, options: WatchOptions, terminal: Terminal): Promise<number> {
  await watchSource(pipeline, options, terminal);
  if (options.interrupted.aborted) terminal.info('Stopped watching.');
  return 0;
}

async function runToTheEnd(
  pipeline: Pipeline,
  { data, interrupted }: { data: string; interrupted: AbortSignal },
  terminal: Terminal,
): Promise<number> {
  const report = await runOnce(
    makeEmbeddedSite(pipeline),
    (counts) => drawProgress(counts, terminal),
    interrupted,
  );
  if (interrupted.aborted) {
    terminal.info('Stopped. What is not done stays in its queue; the next run carries on.');
    return 130;
  }
  printReport(report, terminal);
  const isNothingNew = report.tables.every(({ extracted }) => extracted === 0);
  if (report.ok && !terminal.json && !isNothingNew) await printNextSteps(pipeline, data, terminal);
  return report.ok ? 0 : 1;
}

function parseEvery(text: unknown): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 86_400)) {
    throw new UsageError(`--every ${String(text)} is no number of seconds between 0 and 86400`);
  }
  return seconds;
}

/** The same signal may come twice: from the terminal, and passed on by the process that started this one. */
const sameSignalWithinMs = 300;

/** Aborts on Ctrl-C or SIGTERM; a second one ends the process at once, as impatience is clear enough. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  let firstAt = 0;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (!controller.signal.aborted) firstAt = Date.now();
      else if (Date.now() - firstAt > sameSignalWithinMs) process.exit(130);
      controller.abort();
    });
  }
  return controller.signal;
}
