import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startProcessGroup } from '../scripts/programs/process-group.ts';
import { installLocalStack } from './install.ts';
import type { LocalStack, StartOptions } from './local-stack.ts';
import { untilReady, untilSilent } from './until-ready.ts';

const graceMs = 10_000;
const logFile = 'localstack.log';

/**
 * Starts LocalStack's own code without Docker, on 127.0.0.1. Its data are in a folder of the temp folder, which goes
 * with it.
 *
 * @throws {Unavailable} there is no fit Python, or a package cannot be had
 * @throws {Error} it ends, or is not ready within a minute; with the end of its log
 */
export async function startInHostMode({ port, onProgress }: StartOptions): Promise<LocalStack> {
  const python = await installLocalStack(() =>
    onProgress('installing LocalStack into .venv-localstack, once: a minute or two…'),
  );
  const folder = await mkdtemp(join(tmpdir(), 'starlift-localstack-'));
  const localStack = startProcessGroup({
    ...{ command: python, args: ['-m', 'localstack.runtime.main'] },
    ...{ folder, log: logFile, env: makeEnvironment(folder, port) },
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const stop = async () => {
    await localStack.end((signal) => untilStopped(endpoint, signal));
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    await untilReady(endpoint, localStack.isRunning);
    return { endpoint, how: 'host mode', stop };
  } catch (error) {
    const log = readFileSync(join(folder, logFile), 'utf8').slice(-4000);
    await stop();
    throw new Error(`LocalStack did not start:\n${log}`, { cause: error });
  }
}

/** Nothing of the machine's own environment: no proxy, no AWS profile, no setting of another LocalStack. */
const makeEnvironment = (folder: string, port: number): Record<string, string> => ({
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: folder,
  TEMP: folder,
  GATEWAY_LISTEN: `127.0.0.1:${port}`,
  LOCALSTACK_HOST: `127.0.0.1:${port}`,
  // Its other server listens on every address, whatever GATEWAY_LISTEN says.
  GATEWAY_SERVER: 'hypercorn',
  SERVICES: 's3,sqs,secretsmanager,events,cloudwatch,sns,iam,sts,cloudformation,logs',
  STRICT_SERVICE_LOADING: '1',
  EAGER_SERVICE_LOADING: '0',
  // It neither reports its use nor loads a certificate from the network.
  DISABLE_EVENTS: '1',
  SKIP_SSL_CERT_DOWNLOAD: '1',
  DNS_ADDRESS: '0',
  // Else it takes itself to be in a container, and writes to the system's folders.
  OVERRIDE_IN_DOCKER: '0',
  FILESYSTEM_ROOT: join(folder, 'root'),
  // Its thread would keep the process from ending.
  SQS_DISABLE_CLOUDWATCH_METRICS: '1',
  LS_LOG: 'warn',
});

/** Once it is silent it has stopped, and Python tidies up its memory, which takes all of ten seconds. */
const untilStopped = (endpoint: string, signal: AbortSignal): Promise<unknown> =>
  Promise.race([delay(graceMs, undefined, { signal }).catch(() => {}), untilSilent(endpoint, signal)]);
