import { type CommandResult, finished, spawnStarlift } from '../helpers/processes/starlift.ts';

/** A `run` under way in a process of its own. */
export interface Watch {
  pid: number;
  /** Its output so far. */
  output(): string;
  /** Settles when the process has ended. */
  ended: Promise<CommandResult>;
  /** Sends the signal (SIGKILL when left out) if it still runs, and waits for its end. */
  end(signal?: NodeJS.Signals): Promise<CommandResult>;
}

/** Starts `run --watch` with more arguments. The caller ends it, whatever its test comes to. */
export const startWatch = (args: readonly string[], env: Record<string, string> = {}): Watch =>
  startRun(['--watch', ...args], env);

/** Starts `run`. The caller ends it, whatever its test comes to. */
export function startRun(args: readonly string[], env: Record<string, string> = {}): Watch {
  const child = spawnStarlift(['run', ...args], env);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  const ended = finished(child);
  return {
    pid: child.pid ?? 0,
    output: () => output,
    ended,
    end: (signal = 'SIGKILL') => {
      child.kill(signal);
      return ended;
    },
  };
}
