import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Binaries } from './binaries.ts';
import type { ServerUser } from './server-user.ts';
import { serverEnvironment, settingArguments } from './settings.ts';

/** A server process that we started. */
export interface Postmaster {
  port: number;
  /** Its last lines, oldest first: the reason when it ends by itself. */
  output: readonly string[];
  /** Resolves when the process has ended, for any reason. */
  ended: Promise<void>;
  hasEnded(): boolean;
  signal(signal: NodeJS.Signals): void;
}

const keptLines = 50;

/**
 * Starts the server on a free port. It may end at once, or take a while to accept connections.
 *
 * @param onLog gets each line of its log
 */
export async function spawnPostmaster(
  clusterDir: string,
  { binaries, user, onLog }: { binaries: Binaries; user: ServerUser; onLog: (line: string) => void },
): Promise<Postmaster> {
  const port = await findFreePort();
  // detached: Ctrl-C goes to the whole process group, and would stop the server under the work in flight.
  const child = spawn(binaries.postgres, ['-D', clusterDir, '-p', String(port), ...settingArguments()], {
    ...user,
    cwd: '/',
    env: serverEnvironment,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const output: string[] = [];
  const note = (line: string) => {
    if (output.push(line) > keptLines) output.shift();
    onLog(line);
  };
  createInterface({ input: child.stderr }).on('line', note);
  // A starter that ends without stop(), by a crash of its own, should not leave a server behind.
  const endWithUs = () => child.kill('SIGINT');
  process.once('exit', endWithUs);
  let over = false;
  const ended = whenEnded(child, note).then(() => {
    over = true;
    process.off('exit', endWithUs);
  });
  return { port, output, ended, hasEnded: () => over, signal: (signal) => void child.kill(signal) };
}

/**
 * Ends a server: fast shutdown, then immediate (the next start recovers), then by force.
 * https://www.postgresql.org/docs/18/server-shutdown.html
 *
 * @param waitForEnd true when the process is gone within so many milliseconds
 */
export async function endPostmaster(
  signal: (signal: NodeJS.Signals) => void,
  waitForEnd: (timeoutMs: number) => Promise<boolean>,
): Promise<void> {
  const steps = [
    ['SIGINT', 5000],
    ['SIGQUIT', 2000],
    ['SIGKILL', 2000],
  ] as const;
  for (const [name, timeoutMs] of steps) {
    signal(name);
    if (await waitForEnd(timeoutMs)) return;
  }
}

function whenEnded(
  child: ChildProcessByStdio<null, null, Readable>,
  note: (line: string) => void,
): Promise<void> {
  return new Promise((resolve) => {
    // 'exit' comes before the last lines, but 'close' only when every backend has let go of the log's pipe.
    child.once('exit', () => setImmediate(resolve));
    child.once('error', (error) => {
      note(`error: ${error.message}`);
      resolve();
    });
  });
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  return address.port;
}
