import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';

export interface ProgramStart {
  command: string;
  args: readonly string[];
  /** Its working folder, which holds its log. */
  folder: string;
  /** Name of the log's file. */
  log: string;
  /** Its whole environment: it inherits nothing from this process. */
  env: Record<string, string>;
}

/** A program and all that it starts. All of it is killed when this process exits. */
export interface ProcessGroup {
  isRunning(): boolean;
  /**
   * Ends all of it: kills it at once, or asks it to end first if there is a `patience`.
   *
   * @param patience a promise that ends the waiting: then, or once the program has ended, the group is killed and the
   * signal aborts
   */
  end(patience?: (signal: AbortSignal) => Promise<unknown>): Promise<void>;
}

export function startProcessGroup({ command, args, folder, log, env }: ProgramStart): ProcessGroup {
  const output = openSync(join(folder, log), 'w');
  const child = spawn(command, args, {
    cwd: folder,
    env,
    stdio: ['ignore', output, output],
    // A process group of its own, so that this process passes Ctrl-C on, and all that the program started ends with it.
    detached: true,
  });
  const kill = () => signalGroup(child.pid, 'SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.removeListener('exit', kill));
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  return {
    isRunning,
    end: async (patience) => {
      const gone = isRunning() ? once(child, 'exit') : undefined;
      if (gone !== undefined && patience !== undefined) {
        signalGroup(child.pid, 'SIGTERM');
        const over = new AbortController();
        await Promise.race([gone, patience(over.signal)]);
        over.abort();
      }
      kill();
      await gone;
    },
  };
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
