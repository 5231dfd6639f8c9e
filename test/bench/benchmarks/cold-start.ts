import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { queueNames } from '../../../cli/embedded/resources.ts';
import { makeEnvironment } from '../../../cli/embedded/services.ts';
import { type Stack, startStack } from '../../../cli/embedded/stack.ts';
import { makeSqsEvent } from '../../../cli/embedded/workers/event-source-mapping.ts';
import type { QueueKind } from '../../../shared/queue/queue-settings.ts';
import { type BenchContext, type Benchmark, type Result, withFolder } from '../benchmark.ts';
import { spreadOf, summarise } from '../measure/summary.ts';
import { shopDatabase } from '../setup/source-databases.ts';
import { unzip } from '../setup/unzip.ts';
import { freshDatabase } from '../setup/warehouses.ts';

/** The npm start shop: each of its tables is one slice. */
const orders = 5_000;
const root = fileURLToPath(new URL('../../..', import.meta.url));
const program = fileURLToPath(new URL('../stages/cold-start-program.ts', import.meta.url));

/** In the order of the flow: each finds what the ones before have left. */
const functions: readonly { service: string; name: string; module: string; queue?: QueueKind }[] = [
  { service: 'ingestion', name: 'plan', module: 'plan/handler' },
  { service: 'ingestion', name: 'extract', module: 'extract/handler', queue: 'extract' },
  { service: 'ingestion', name: 'extract sweep', module: 'sweep/handler' },
  { service: 'transformation', name: 'transform', module: 'transform/handler', queue: 'transform' },
  { service: 'transformation', name: 'transform sweep', module: 'sweep/handler' },
  { service: 'loading', name: 'load', module: 'load/handler', queue: 'load' },
  { service: 'loading', name: 'load sweep', module: 'sweep/handler' },
  { service: 'loading', name: 'freshness', module: 'freshness/handler' },
];

export const benchmark: Benchmark = {
  name: 'cold-start',
  about: "each packed function in a new process: its import and its first record; the zips' sizes",
  run: (context) =>
    withFolder(async (folder) => {
      const packages = unpack(folder);
      const source = await shopDatabase(context.servers.source, orders);
      const warehouse = await freshDatabase(context.servers.warehouse, 'whole');
      const stack = await startStack({ data: join(folder, 'data'), source, warehouse });
      try {
        const results: Result[] = [];
        for (const { service, name, module, queue } of functions) {
          const { size = 0 } = packages.get(service) ?? {};
          const path = pathToFileURL(join(folder, service, `${module}.mjs`)).href;
          const starts = await startOften(stack, path, queue, context);
          results.push(resultOf(name, starts, size));
        }
        return results;
      } finally {
        await stack.stop();
      }
    }),
};

/** Packages the services as a deployment would. */
function unpack(folder: string): Map<string, { size: number }> {
  execFileSync(process.execPath, [join(root, 'scripts/build/package-services.js')], { stdio: 'pipe' });
  const zips = readdirSync(join(root, '.package')).filter((name) => name.endsWith('.zip'));
  return new Map(
    zips.map((zip) => {
      const [service = ''] = zip.split('-');
      const path = join(root, '.package', zip);
      mkdirSync(join(folder, service));
      unzip(path, join(folder, service));
      return [service, { size: statSync(path).size }];
    }),
  );
}

interface Start {
  importMs: number;
  firstMs: number;
}

/**
 * Once for each message that the queue has; without a queue as often as the other benchmarks run. The first one does
 * not count: it warms the page cache, and the load's makes the warehouse's tables.
 */
async function startOften(
  stack: Stack,
  module: string,
  queue: QueueKind | undefined,
  { reps }: BenchContext,
): Promise<Start[]> {
  const starts: Start[] = [];
  for (;;) {
    const event = queue === undefined ? {} : await receiveEvent(stack, queue);
    if (event === undefined || (queue === undefined && starts.length > reps)) return starts.slice(1);
    starts.push(await startCold(stack, module, event));
  }
}

async function receiveEvent({ cloud }: Stack, kind: QueueKind): Promise<object | undefined> {
  const queue = cloud.openQueue(queueNames[kind]);
  const [message] = await queue.receive(1, AbortSignal.timeout(10_000));
  if (message === undefined) return undefined;
  await queue.delete([message]);
  return makeSqsEvent([message], `arn:aws:sqs:${cloud.region}:000000000000:${queueNames[kind]}`);
}

async function startCold({ cloud }: Stack, module: string, event: object): Promise<Start> {
  const options = { sourceRestart: 'identity', warehouseSchema: 'public', foreignKeys: 'declared' } as const;
  const child = spawn(process.execPath, [program, module], {
    env: { PATH: process.env.PATH, ...makeEnvironment(cloud, options), NODE_OPTIONS: '--enable-source-maps' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify(event));
  let output = '';
  for await (const part of child.stdout.setEncoding('utf8')) output += part;
  const line = output.split('\n').find((each) => each.startsWith('{"importMs"'));
  if (line === undefined) throw new Error(`${module} did not start:\n${output}`);
  return JSON.parse(line) as Start;
}

function resultOf(name: string, starts: readonly Start[], zipBytes: number): Result {
  const runs = starts.map(({ importMs, firstMs }) => ({
    ...{ seconds: (importMs + firstMs) / 1000, clientCpu: 0, serverCpu: 0 },
    ...{ largestProcess: 0, allProcesses: 0 },
  }));
  const imports = spreadOf(starts.map(({ importMs }) => importMs));
  return {
    ...{ benchmark: 'cold start', subject: name, isReference: false, rows: 1 },
    ...{ summary: summarise(runs), runs },
    note: `import ${imports.median.toFixed(0)} ms; zip ${(zipBytes / 2 ** 20).toFixed(1)} MB`,
  };
}
