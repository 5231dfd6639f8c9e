import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { LocalStack, StartOptions } from './local-stack.ts';
import { lastLineOf, Unavailable } from './unavailable.ts';
import { untilReady } from './until-ready.ts';

const run = promisify(execFile);
const composeFile = fileURLToPath(new URL('docker-compose.yml', import.meta.url));

/**
 * Starts the compose file's LocalStack, published on 127.0.0.1.
 *
 * @throws {Unavailable} there is no Docker daemon, no compose, or it cannot run the image
 * @throws {Error} it is not ready within a minute; with the end of its log
 */
export async function startInDocker({ port, onProgress }: StartOptions): Promise<LocalStack> {
  await assertWorks(['info'], 'there is no working Docker daemon');
  await assertWorks(['compose', 'version'], 'docker has no compose command');
  // One project for each port, so that two at a time do not end each other.
  const compose = (...args: string[]) =>
    run(
      'docker',
      ['compose', '--file', composeFile, '--project-name', `starlift-localstack-${port}`, ...args],
      {
        env: { ...process.env, LOCALSTACK_PORT: String(port) },
        maxBuffer: 64 * 1024 * 1024,
      },
    );
  onProgress('starting the image of localstack/docker-compose.yml…');
  const stop = async () => {
    await compose('down', '--volumes', '--timeout', '10');
  };
  try {
    await compose('up', '--detach', '--quiet-pull');
  } catch (error) {
    // There may be nothing to end: what `up` said is the reason either way.
    await stop().catch(() => {});
    throw new Unavailable(`Docker cannot run the image: ${lastLineOf(error)}`, { cause: error });
  }
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await untilReady(endpoint, () => true);
    return { endpoint, how: 'Docker', stop };
  } catch (error) {
    const { stdout } = await compose('logs', '--no-color', '--tail', '50').catch(() => ({ stdout: '' }));
    await stop();
    throw new Error(`LocalStack did not start:\n${stdout}`, { cause: error });
  }
}

async function assertWorks(args: string[], otherwise: string): Promise<void> {
  try {
    await run('docker', args, { timeout: 20_000 });
  } catch (error) {
    throw new Unavailable(otherwise, { cause: error });
  }
}
