import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { startWorkerPool, type WorkerPool } from '../../../cli/embedded/workers/worker-pool.ts';
import { TransientError } from '../../../shared/errors.ts';
import { canSampleProcesses, sampleProcesses } from '../../helpers/processes/process-sample.ts';
import { seen } from '../../helpers/seen.ts';

interface Answer {
  pid: number;
  parent: number;
  node: string;
  env: Record<string, string>;
  functionName: string;
  awsRequestId: string;
  remainingMs: number;
  calls: number;
}

const probe = new URL('./handlers/probe.ts', import.meta.url).href;
const died = { errorType: 'Runtime.ExitError', message: 'probe: the worker died: signal SIGKILL' };
const broken = new URL('./handlers/broken.ts', import.meta.url).href;

describe('the worker pool', () => {
  let pool: WorkerPool | undefined;
  afterEach(() => pool?.stop());

  const start = (options: Partial<Parameters<typeof startWorkerPool>[0]> = {}): WorkerPool => {
    pool = startWorkerPool({ size: 2, handlers: { probe, other: probe }, env: {}, ...options });
    return pool;
  };
  const call = async (name: string, event: object): Promise<Answer> =>
    (await pool?.invoke(name, event)) as Answer;

  it('runs handlers in processes of their own, on the same Node, with the given environment only', async () => {
    process.env.STARLIFT_PROBE = 'ours';
    start({ env: { GIVEN: 'yes' } });
    const answer = await call('probe', {});
    delete process.env.STARLIFT_PROBE;
    expect(answer).toMatchObject({ parent: process.pid, node: process.version });
    expect(answer.env).toMatchObject({ GIVEN: 'yes' });
    expect(answer.env).not.toHaveProperty('STARLIFT_PROBE');
  });

  it('runs two invocations at the same time: each waits for what the other one writes', async () => {
    await inFolder(async (folder) => {
      start();
      const [here, there] = [join(folder, 'here'), join(folder, 'there')];
      const both = [
        call('probe', { write: here, until: there }),
        call('probe', { write: there, until: here }),
      ];
      const [first, second] = await Promise.all(both);
      expect(first?.pid).not.toBe(second?.pid);
    });
  });

  const itOnLinux = canSampleProcesses ? it : it.skip;
  itOnLinux('starts no second worker for what comes one after the other', async () => {
    const others = sampleProcesses(process.pid).size;
    start();
    for (const calls of [1, 2]) expect(await call('probe', {})).toMatchObject({ calls });
    expect(sampleProcesses(process.pid).size - others).toBe(1);
  });

  it('runs different functions in one process at the same time', async () => {
    await inFolder(async (folder) => {
      start({ size: 1 });
      const [here, there] = [join(folder, 'here'), join(folder, 'there')];
      const both = [
        call('probe', { write: here, until: there }),
        call('other', { write: there, until: here }),
      ];
      const [first, second] = await Promise.all(both);
      expect(first?.pid).toBe(second?.pid);
    });
  });

  it('runs a function in one process as often as it may, each time in a module of its own', async () => {
    await inFolder(async (folder) => {
      start({ size: 1, concurrency: { probe: 2 } });
      const [go, third] = [join(folder, 'go'), join(folder, 'third')];
      const three = ['first', 'second', 'third'].map((name) =>
        call('probe', { write: join(folder, name), until: go }),
      );
      for (const name of ['first', 'second']) await seen(() => existsSync(join(folder, name)));
      expect(await call('other', {})).toMatchObject({ calls: 1 });
      expect(existsSync(third)).toBe(false);
      await writeFile(go, '');
      const calls = (await Promise.all(three)).map((answer) => answer.calls);
      expect(calls.sort()).toEqual([1, 1, 2]);
    });
  });

  it('imports a module once per process', async () => {
    start({ size: 1 });
    expect([(await call('probe', {})).calls, (await call('probe', {})).calls]).toEqual([1, 2]);
  });

  it('gives a context with the function, a request id and the time that remains', async () => {
    start({ timeoutSeconds: { probe: 30 } });
    const [first, second] = [await call('probe', {}), await call('other', {})];
    expect(first.functionName).toBe('probe');
    expect(first.awsRequestId).not.toBe(second.awsRequestId);
    expect(first.remainingMs).toBeGreaterThan(20_000);
    expect(first.remainingMs).toBeLessThanOrEqual(30_000);
    expect(second.remainingMs).toBeGreaterThan(800_000);
  });

  it('rejects with what the handler threw, and goes on in the same process', async () => {
    start({ size: 1 });
    const { pid } = await call('probe', {});
    await expect(call('probe', { fail: 'no such slice' })).rejects.toMatchObject({
      name: 'InvocationError',
      functionName: 'probe',
      errorType: 'RangeError',
      message: 'probe: no such slice',
      stack: expect.stringContaining('handlers/probe.ts:'),
    });
    expect((await call('probe', {})).pid).toBe(pid);
  });

  it('a worker that dies leaves the others alone, and is replaced', async () => {
    await inFolder(async (folder) => {
      start();
      const until = join(folder, 'go');
      const neighbour = call('probe', { until });
      await expect(call('probe', { exit: true })).rejects.toMatchObject(died);
      const { pid } = await call('probe', {});
      await writeFile(until, '');
      expect((await neighbour).pid).not.toBe(pid);
    });
  });

  it('of those that ran in a worker that died, the one that kills it is found, and the others are answered', async () => {
    await inFolder(async (folder) => {
      const lines: string[] = [];
      start({ size: 1, concurrency: { probe: 3 }, onLog: (line) => lines.push(line) });
      const [first, second, go] = [join(folder, 'first'), join(folder, 'second'), join(folder, 'go')];
      const neighbours = [first, second].map((write) => call('probe', { write, until: go }));
      for (const path of [first, second]) await seen(() => existsSync(path));
      const killer = expect(call('other', { exit: true })).rejects.toMatchObject({
        ...died,
        message: 'other: the worker died: signal SIGKILL',
      });
      await seen(() => lines.length > 0);
      await writeFile(go, '');
      await killer;
      // Run again by themselves, each of the two was its process' only one.
      const again = await Promise.all(neighbours);
      expect(new Set(again.map(({ pid }) => pid)).size).toBe(1);
      expect(lines).toEqual([
        'the worker died: signal SIGKILL; each invocation that it ran runs again alone: probe, probe, other',
      ]);
    });
  });

  it('kills a worker that exceeds its time, and replaces it', async () => {
    start({ size: 1, timeoutSeconds: { probe: 0.2 } });
    const { pid } = await call('other', {});
    await expect(call('probe', { hang: true })).rejects.toMatchObject({
      errorType: 'Sandbox.Timedout',
      message: 'probe: the task timed out after 0.2 s',
    });
    expect((await call('other', {})).pid).not.toBe(pid);
  });

  it('what runs beside one that exceeds its time is run again', async () => {
    await inFolder(async (folder) => {
      const [begun, go] = [join(folder, 'begun'), join(folder, 'go')];
      start({ size: 1, timeoutSeconds: { probe: 0.2 } });
      const neighbour = call('other', { write: begun, until: go });
      await seen(() => existsSync(begun));
      await expect(call('probe', { hang: true })).rejects.toMatchObject({ errorType: 'Sandbox.Timedout' });
      await writeFile(go, '');
      expect(await neighbour).toMatchObject({ functionName: 'other', calls: 1 });
    });
  });

  it('a flood of one function does not keep another one waiting', async () => {
    await inFolder(async (folder) => {
      start({ size: 1 });
      const go = join(folder, 'go');
      const flood = Array.from({ length: 20 }, () => call('probe', { until: go }));
      await call('other', {});
      await writeFile(go, '');
      await Promise.all(flood);
    });
  });

  it('hands on each line that a worker writes', async () => {
    const lines: string[] = [];
    start({ onLog: (line) => lines.push(line) });
    await call('probe', { log: 'a line' });
    await pool?.stop();
    expect(lines.sort()).toEqual(['a line', 'a line on stderr']);
  });

  it.each([
    ['when it is called', []],
    ['ahead', ['broken', 'probe']],
  ])('names the module that cannot be imported %s, at each invocation', async (_, importsAhead) => {
    start({ handlers: { broken, probe }, importsAhead });
    for (const _ of [1, 2])
      await expect(call('broken', {})).rejects.toMatchObject({
        message: 'broken: this module cannot be imported',
      });
    expect(await call('probe', {})).toMatchObject({ calls: 1 });
  });

  it('imports a handler ahead before it is called, and calls that one', async () => {
    const lines: string[] = [];
    const telling = `data:text/javascript,${encodeURIComponent(
      `console.log('imported'); export const handler = async () => console.log('called');`,
    )}`;
    start({ handlers: { telling }, importsAhead: ['telling'], onLog: (line) => lines.push(line) });
    await seen(() => lines.length > 0);
    expect(lines).toEqual(['imported']);
    await call('telling', {});
    await seen(() => lines.length > 1);
    expect(lines).toEqual(['imported', 'called']);
  });

  it('says so when it has no such function', async () => {
    start();
    await expect(call('lost', {})).rejects.toThrow('there is no function lost');
  });

  it('stop() ends the processes and rejects what runs, what waits and what comes later', async () => {
    start({ size: 1 });
    const { pid } = await call('probe', {});
    const rejected = [call('probe', { hang: true }), call('probe', {})].map((work) =>
      expect(work).rejects.toBeInstanceOf(TransientError),
    );
    await pool?.stop();
    await Promise.all(rejected);
    await expect(call('probe', {})).rejects.toBeInstanceOf(TransientError);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('workers end when their parent is killed, also in the middle of an invocation', async () => {
    const script = fileURLToPath(new URL('./pool-and-stay.ts', import.meta.url));
    const parent: ChildProcess = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    if (parent.stdout === null) throw new Error('the parent has no stdout');
    const [line] = await once(createInterface({ input: parent.stdout }), 'line');
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    const pids = String(line).split(' ');
    expect(pids).toHaveLength(2);
    for (const pid of pids) await gone(pid);
  });
});

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'starlift-workers-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Resolves when the process is gone, or is dead and not yet reaped; the test's own time limit ends the wait. */
async function gone(pid: string): Promise<void> {
  for (;;) {
    const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    if (state === undefined || / Z /.test(state)) return;
    await new Promise(setImmediate);
  }
}
