// `npm run localstack`: LocalStack until Ctrl-C; with two databases, Starlift at work on it as well.
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findFreePort } from '../test/helpers/network/free-port.ts';
import { startLocalStack } from './local-stack.ts';
import { region } from './make-resources.ts';
import { startRoad } from './road.ts';

const usage = 'npm run localstack [-- [--source URL --warehouse URL] [--every SECONDS]]';
const say = (line: string) => console.error(line);
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());

const { source, warehouse, everySeconds } = readArguments();
const localStack = await startLocalStack({ port: await findFreePort(), onProgress: say });
try {
  const { endpoint, how } = localStack;
  say(`LocalStack is ready in ${how}; Ctrl-C ends it, and what it holds. For the AWS command line:`);
  console.log(`export AWS_ENDPOINT_URL=${endpoint} AWS_DEFAULT_REGION=${region}`);
  console.log('export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test');
  if (source !== undefined && warehouse !== undefined) await workUntilStopped(endpoint, source, warehouse);
  else await pause(Number.POSITIVE_INFINITY);
} finally {
  await localStack.stop();
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      source: { type: 'string' },
      warehouse: { type: 'string' },
      every: { type: 'string', default: '60' },
    },
  });
  const { source, warehouse, every } = values;
  const everySeconds = Number(every);
  if ((source === undefined) !== (warehouse === undefined) || !(everySeconds >= 1)) {
    say(`usage: ${usage}`);
    process.exit(2);
  }
  return { source, warehouse, everySeconds };
}

async function workUntilStopped(endpoint: string, sourceUrl: string, warehouseUrl: string): Promise<void> {
  const road = await startRoad({ endpoint, sourceUrl, warehouseUrl, onLog: say });
  try {
    while (!stopping.signal.aborted) {
      await road.plan().then(
        (planned) => say(`planned: ${JSON.stringify(planned)}`),
        (error: Error) => say(`the plan failed: ${error.message}`),
      );
      await pause(everySeconds);
    }
  } finally {
    await road.stop();
  }
}

/** Until the time is over, or somebody ends it. */
async function pause(seconds: number): Promise<void> {
  // A timer holds no more than 2^31 - 1 milliseconds.
  const ms = Math.min(seconds * 1000, 2 ** 31 - 1);
  await delay(ms, undefined, { signal: stopping.signal }).catch(() => {});
}
