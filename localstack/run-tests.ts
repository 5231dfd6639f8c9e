// `npm run test:localstack`: starts LocalStack, runs test/localstack against it, and stops it. Arguments are Jest's.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../test/helpers/network/free-port.ts';
import { type LocalStack, startLocalStack } from './local-stack.ts';
import { Unavailable } from './unavailable.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const say = (line: string) => console.error(`test:localstack: ${line}`);

// Whoever is told to end stops LocalStack first. Ctrl-C reaches the tests by itself.
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort(signal));

const localStack = await startOrSkip();
if (localStack !== undefined) {
  say(`LocalStack is ready in ${localStack.how} at ${localStack.endpoint}`);
  try {
    process.exitCode = await runJest(localStack.endpoint);
  } finally {
    await localStack.stop();
  }
}

async function startOrSkip(): Promise<LocalStack | undefined> {
  try {
    return await startLocalStack({ port: await findFreePort(), onProgress: say });
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    console.log(`test:localstack skipped: ${error.message}`);
    // What CI does not run, nobody runs.
    if (process.env.CI === 'true') process.exitCode = 1;
    return undefined;
  }
}

async function runJest(endpoint: string): Promise<number> {
  const jest = ['node_modules/jest/bin/jest.js', '--config', 'test/localstack/jest.config.js'];
  const flags = ['--experimental-vm-modules', '--no-warnings'];
  const child = spawn(process.execPath, [...flags, ...jest, ...process.argv.slice(2)], {
    cwd: root,
    env: { ...process.env, LOCALSTACK_ENDPOINT: endpoint },
    stdio: 'inherit',
  });
  const end = () => child.kill('SIGTERM');
  if (stopping.signal.aborted) end();
  stopping.signal.addEventListener('abort', end);
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
