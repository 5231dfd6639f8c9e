import { type ChildProcess, execFile, fork } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { account, region } from './intrinsics.ts';
import { type PackagedFunction, zipPath } from './packaged.ts';

const program = fileURLToPath(new URL('cold-function-process.ts', import.meta.url));

/** One execution environment of a packaged function: its zip in an empty folder, and a Node of its own. */
export interface ColdFunction {
  /** @throws {Error} the handler threw */
  invoke(event: unknown): Promise<unknown>;
  /** How long its module took to import, and its first event to be handled; in milliseconds. */
  timings(): { importMs: number; firstMs: number } | undefined;
  /** The text of its module. */
  code: string;
  /** What it has written to stdout and stderr. */
  output(): string;
  stop(): Promise<void>;
}

interface Answer {
  id: number;
  value?: unknown;
  error?: string;
  importMs: number;
  invokeMs: number;
}

/**
 * Unpacks a function where nothing else is, and starts it with the environment that its template gives it.
 *
 * @param endpoint stands in for AWS; the function's name is its access key
 */
export async function startColdFunction(packaged: PackagedFunction, endpoint: string): Promise<ColdFunction> {
  const folder = await mkdtemp(join(tmpdir(), `starlift-${packaged.name}-`));
  const python = process.env.PYTHON ?? 'python3';
  await promisify(execFile)(python, ['-m', 'zipfile', '-e', zipPath(packaged.service), folder]);
  const path = await findModule(folder, packaged.module);
  const module = pathToFileURL(path).href;
  const child = fork(program, [module], {
    ...{ cwd: folder, execArgv: [], silent: true },
    env: environmentOf(packaged, folder, endpoint),
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  let timings: { importMs: number; firstMs: number } | undefined;
  let id = 0;
  return {
    invoke: async (event) => {
      const { value, error, importMs, invokeMs } = await ask(child, { id: ++id, event }, () => output);
      if (error !== undefined) throw new Error(`${packaged.name}: ${error}`);
      // No work: S3's own test of a notification, and a table that ends in the ingested zone.
      if (!/s3:TestEvent|department/.test(JSON.stringify(event))) timings ??= { importMs, firstMs: invokeMs };
      return value;
    },
    timings: () => timings,
    code: await readFile(path, 'utf8'),
    output: () => output,
    stop: async () => {
      child.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function findModule(folder: string, name: string): Promise<string> {
  const files = await readdir(folder, { recursive: true });
  const found = files.find((file) => file === name || file.endsWith(`/${name}`));
  if (found === undefined) throw new Error(`${name} is not among ${files.join(', ')}`);
  return join(folder, found);
}

/** What Lambda sets, and the template; nothing of this machine's but where Node is. */
function environmentOf(packaged: PackagedFunction, folder: string, endpoint: string): Record<string, string> {
  // Lambda's own file of authorities is not here.
  const { NODE_EXTRA_CA_CERTS: _, ...variables } = packaged.environment;
  const aws = Object.entries(variables).map(([name, value]) => [
    name,
    value.replace(`https://sqs.${region}.amazonaws.com`, endpoint),
  ]);
  return {
    ...Object.fromEntries(aws),
    // An outage is over soon here.
    RETRY_LONGEST_SECONDS: '1',
    CONNECT_PATIENCE_MS: '500',
    ...{ AWS_REGION: region, AWS_ACCESS_KEY_ID: packaged.name, AWS_SECRET_ACCESS_KEY: account },
    ...{ AWS_LAMBDA_FUNCTION_NAME: packaged.deployedName, LAMBDA_TASK_ROOT: folder },
    ...{ AWS_ENDPOINT_URL: endpoint, S3_FORCE_PATH_STYLE: 'true', PATH: process.env.PATH ?? '' },
  };
}

function ask(
  child: ChildProcess,
  message: { id: number; event: unknown },
  output: () => string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onMessage = (answer: unknown) => {
      if ((answer as Answer).id !== message.id) return;
      settle();
      resolve(answer as Answer);
    };
    const onExit = () => {
      settle();
      reject(new Error(`the function has ended:\n${output()}`));
    };
    const settle = () => {
      child.off('message', onMessage);
      child.off('exit', onExit);
    };
    child.on('message', onMessage);
    child.on('exit', onExit);
    child.send(message);
  });
}
