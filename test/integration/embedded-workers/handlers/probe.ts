import { existsSync, writeFileSync } from 'node:fs';

/** Does what its event says, so that one handler serves all tests of the workers. */
export async function handler(event: Record<string, unknown>, context: ProbeContext): Promise<unknown> {
  if (event.log !== undefined) {
    console.log(event.log);
    console.error(`${event.log} on stderr`);
  }
  if (event.exit !== undefined) process.kill(process.pid, 'SIGKILL');
  if (event.fail !== undefined) throw new RangeError(String(event.fail));
  if (event.hang !== undefined) await new Promise((resolve) => setTimeout(resolve, 600_000));
  if (event.write !== undefined) writeFileSync(String(event.write), '');
  if (event.until !== undefined) await appears(String(event.until));
  return {
    pid: process.pid,
    parent: process.ppid,
    node: process.version,
    env: process.env,
    functionName: context.functionName,
    awsRequestId: context.awsRequestId,
    remainingMs: context.getRemainingTimeInMillis(),
    calls: ++calls,
  };
}

export interface ProbeContext {
  functionName: string;
  awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

let calls = 0;

async function appears(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 2));
}
