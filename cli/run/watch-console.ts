import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Terminal } from '../terminal/terminal.ts';

/** Which program the console runs in: the command line itself, by the path that this one was started by. */
const program = (): string => process.argv[1] ?? '';

/**
 * Starts the console of a watch, in a process of its own: what it reads, and whatever happens to it, is not in the way of
 * the watch. It ends with this process, however that ends (see cli/starlift.js).
 *
 * @param options the console's own
 * @returns a function that ends it
 */
export function startWatchConsole(data: string, options: readonly string[], terminal: Terminal): () => void {
  const child = spawn(process.execPath, [program(), 'console', '--data', data, ...options], {
    env: { ...process.env, STARLIFT_STARTER: String(process.pid) },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  }) as ChildProcessByStdio<null, Readable, Readable>;
  const { stdout, stderr } = child;
  let isEnding = false;
  // Its first line is the link; the others say how to stop it, which the watch does.
  createInterface({ input: stdout }).once('line', (url) => terminal.info(`The console: ${url}`));
  createInterface({ input: stderr }).on('line', (line) => terminal.info(line));
  child.once('error', ({ message }) => terminal.info(`The console cannot be shown: ${message}`));
  child.once('exit', (code) => {
    if (!isEnding) terminal.info(`The console has ended (exit ${code ?? 'by a signal'}); the watch goes on.`);
  });
  // The watch is not kept from ending by it.
  child.unref();
  child.channel?.unref();
  return () => {
    isEnding = true;
    child.kill('SIGTERM');
  };
}
