import { PassThrough } from 'node:stream';
import { main } from '../../../cli/main.ts';
import { runWorkersInline } from '../jest/worker-pool.ts';
import { Connections } from './connections.ts';
import { startInlineWorkers } from './inline-workers.ts';
import type { CommandResult } from './starlift.ts';

runWorkersInline(startInlineWorkers);

/**
 * Runs the command line in this process, its workers too: for tests that are not about processes. A command needs a
 * second of CPU time by itself until it has compiled what it runs.
 *
 * As after the end of a process, nothing of a command is left: neither its connections nor its variables. One at a
 * time.
 */
export async function runCommand(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<CommandResult> {
  const output = { stdout: new PassThrough(), stderr: new PassThrough() };
  const environment = { ...process.env };
  const listeners = signals.map((signal) => process.listeners(signal));
  const connections = new Connections();
  Object.assign(process.env, { NO_COLOR: '1', FORCE_COLOR: '', ...env });
  try {
    const ending = connections.holdThoseOf(() => withOutput(output, () => main(args)));
    const code = await ending;
    return { code, stdout: textOf(output.stdout), stderr: textOf(output.stderr) };
  } finally {
    connections.cut();
    process.env = environment;
    for (const [index, signal] of signals.entries())
      for (const listener of process.listeners(signal))
        if (!listeners[index]?.includes(listener)) process.removeListener(signal, listener);
  }
}

const signals = ['SIGINT', 'SIGTERM'] as const;

/** The command line takes its streams at its start. */
function withOutput<T>(output: Record<'stdout' | 'stderr', PassThrough>, start: () => T): T {
  const names = ['stdout', 'stderr'] as const;
  const own = names.map((name) => Object.getOwnPropertyDescriptor(process, name));
  for (const name of names) Object.defineProperty(process, name, { configurable: true, value: output[name] });
  try {
    return start();
  } finally {
    for (const [index, name] of names.entries()) {
      const before = own[index];
      if (before === undefined) Reflect.deleteProperty(process, name);
      else Object.defineProperty(process, name, before);
    }
  }
}

const textOf = (stream: PassThrough): string => String(stream.read() ?? '');
