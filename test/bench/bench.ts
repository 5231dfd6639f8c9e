import { writeFileSync } from 'node:fs';
import type { Benchmark, Result } from './benchmark.ts';
import { benchmark as coldStart } from './benchmarks/cold-start.ts';
import { increments } from './benchmarks/increments.ts';
import { benchmark as ingest } from './benchmarks/ingest.ts';
import { benchmark as load } from './benchmarks/load.ts';
import { benchmark as peers } from './benchmarks/peers.ts';
import { benchmark as plan } from './benchmarks/plan.ts';
import { growth, shop } from './benchmarks/shop.ts';
import { benchmark as transform } from './benchmarks/transform.ts';
import { benchmark as watch } from './benchmarks/watch.ts';
import { benchmark as whole } from './benchmarks/whole.ts';
import { benchmark as wholeKeys } from './benchmarks/whole-keys.ts';
import { parseOptions, usage } from './options.ts';
import { formatResults } from './report/format-results.ts';
import { describeMachine } from './report/machine.ts';
import { serverSettings, startBenchServers } from './setup/servers.ts';

const benchmarks: readonly Benchmark[] = [
  ...[ingest, transform, load, whole, peers, ...increments, watch, coldStart],
  ...[wholeKeys, shop, growth, plan],
];

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options === undefined) return 2;
  const { rows, reps, only, json, embedded } = options;
  const chosen = benchmarks.filter(({ name, isLong }) => only?.includes(name) ?? isLong !== true);
  const servers = await startBenchServers({ embedded });
  const machine = describeMachine(servers.version);
  const results: Result[] = [];
  try {
    for (const benchmark of chosen) {
      process.stderr.write(`${benchmark.name}: ${benchmark.about}\n`);
      results.push(...(await benchmark.run({ servers, rows, reps })));
    }
  } finally {
    // What was measured before something failed is worth minutes.
    process.stdout.write(`${formatResults(results, machine)}\n`);
    await servers.stop();
  }
  const record = { machine, serverSettings, rows, reps, results };
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(record, undefined, 2)}\n`);
  return 0;
}

function readOptions(args: readonly string[]) {
  try {
    const names = benchmarks.map(({ name }) => name);
    return parseOptions(args, names);
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n${usage}\n`);
    for (const { name, about } of benchmarks) process.stderr.write(`  ${name.padEnd(12)} ${about}\n`);
    return undefined;
  }
}
