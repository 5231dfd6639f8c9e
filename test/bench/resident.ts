import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

/** A process that was started before the work and stays for the next, as a Lambda function's does. */
export interface Resident {
  /** @throws with what the process says has gone wrong */
  run<T>(task: Record<string, unknown>): Promise<T>;
  stop(): Promise<void>;
}

/** @param command takes tasks as lines of JSON and answers each with one: `{"value": …}` or `{"error": "…"}` */
export function startResident(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Resident {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const nextLine = makeLineReader(child);
  return {
    run: async <T>(task: Record<string, unknown>) => {
      child.stdin.write(`${JSON.stringify(task)}\n`);
      const answer = JSON.parse(await nextLine()) as { value?: T; error?: string };
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer.value as T;
    },
    stop: async () => {
      const gone = new Promise((resolve) => child.once('close', resolve));
      child.stdin.end();
      await gone;
    },
  };
}

function makeLineReader(child: ChildProcessByStdio<Writable, Readable, null>): () => Promise<string> {
  let text = '';
  let waiting: PromiseWithResolvers<string> | undefined;
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    const end = text.indexOf('\n');
    if (end < 0 || waiting === undefined) return;
    waiting.resolve(text.slice(0, end));
    text = text.slice(end + 1);
    waiting = undefined;
  });
  child.once('close', (code) => waiting?.reject(new Error(`the process ended with code ${code}`)));
  return () => {
    waiting = Promise.withResolvers<string>();
    return waiting.promise;
  };
}
