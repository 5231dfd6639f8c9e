import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readSettings } from '../configuration/settings.ts';
import { parseConsoleOptions } from '../options/console-options.ts';
import { type OptionValues, parseStage } from '../options/site-options.ts';
import { assembleProject, findDefinition } from '../project/load-model.ts';
import { assertMaskKey } from '../project/mask-key.ts';
import { UsageError } from '../terminal/usage-error.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const stage = parseStage(values, ['data', 'source', 'warehouse', 'watch', 'every', 'wait', 'console']);
    const isExact = values.exact === true;
    const everySeconds = parseEvery(values.every ?? '10');
    const interrupted = interruption();
    if (stage !== undefined) {
      return (await import('../run/run-on-stage.ts')).runOnStage(stage, { isExact, interrupted }, terminal);
    }
    const watch = values.watch === true;
    const shown = parseConsole(values);
    const waitMs = watch ? Number.POSITIVE_INFINITY : parseWait(values.wait ?? '15m');
    const { data, source, warehouse, freshnessSeconds } = await readSettings({ values });
    const { definition, folder: projectFolder } = await findDefinition(values, data);
    assertMaskKey(definition, process.env);
    // The servers answer while the rest is imported.
    const { connectPatiently } = await import('../run/connect-named.ts');
    // A URL that has never worked may be mistyped, and is not waited for unless that is asked for.
    const isWaiting = values.wait !== undefined || existsSync(join(data, 'binding.json'));
    const patience = { waitMs: isWaiting ? waitMs : 0, interrupted, info: terminal.info };
    const named = connectPatiently({ source, warehouse }, assembleProject(definition), patience);
    named.catch(() => {});
    try {
      const { runEmbedded } = await import('../run/run-embedded.ts');
      const options = {
        data,
        source,
        warehouse,
        definition,
        projectFolder,
        watch,
        everySeconds,
        waitMs,
        freshnessSeconds,
        isExact,
        interrupted,
        named,
        console: shown,
      };
      return await runEmbedded(options, terminal);
    } finally {
      // What fails before the run has them leaves them open, and the process would wait for them. An
      // interrupted run does not wait for a server that does not answer.
      const ended = named.then(({ end }) => end()).catch(() => {});
      if (!interrupted.aborted) await ended;
    }
  },
};

/**
 * Reads --console and what belongs to it.
 *
 * @returns the console's own options; undefined without --console
 * @throws {UsageError} one of them without --console, --console without --watch, or as parseConsoleOptions
 */
function parseConsole(values: OptionValues): string[] | undefined {
  const { port, host } = values;
  const flags = ['open', 'allow-actions'].filter((name) => values[name] === true);
  if (values.console !== true) {
    const named = ['port', 'host'].filter((name) => values[name] !== undefined);
    const [first] = [...named, ...flags];
    if (first !== undefined) throw new UsageError(`--${first} is only for --console`);
    return undefined;
  }
  if (values.watch !== true)
    throw new UsageError('--console needs --watch: starlift console shows what a single run has done');
  parseConsoleOptions(values);
  return [
    ...(port === undefined ? [] : ['--port', String(port)]),
    ...(host === undefined ? [] : ['--host', String(host)]),
    ...flags.map((name) => `--${name}`),
  ];
}

function parseEvery(text: unknown): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 86_400)) {
    throw new UsageError(`--every ${String(text)} is not a number of seconds from above 0 to 86400`);
  }
  return seconds;
}

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** @returns milliseconds */
function parseWait(value: unknown): number {
  const [, number, unit = 's'] = /^(\d{1,7})([smh])?$/.exec(String(value)) ?? [];
  if (number === undefined) {
    throw new UsageError(`--wait ${String(value)} is no duration: use a number with s, m or h, such as 15m`);
  }
  return Number(number) * (secondsOf[unit] ?? 1) * 1000;
}

/** One signal may arrive twice: from the terminal, and from the process that started this one. */
const sameSignalWithinMs = 300;

/** Aborts on Ctrl-C or SIGTERM; a second one ends the process at once. */
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
