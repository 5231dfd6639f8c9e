import { writeFileSync } from 'node:fs';
import type { Benchmark, Result } from './benchmark.ts';
import { benchmark as census } from './benchmarks/census.ts';
import { benchmark as coldStart } from './benchmarks/cold-start.ts';
import { benchmark as firstPage } from './benchmarks/first-page.ts';
import { increments } from './benchmarks/increments.ts';
import { benchmark as ingest } from './benchmarks/ingest.ts';
import { benchmark as large } from './benchmarks/large.ts';
import { benchmark as load } from './benchmarks/load.ts';
import { benchmark as peers } from './benchmarks/peers.ts';
import { benchmark as plan } from './benchmarks/plan.ts';
import { growth, shop } from './benchmarks/shop.ts';
import { benchmark as tpch } from './benchmarks/tpch.ts';
import { benchmark as trace } from './benchmarks/trace.ts';
import { benchmark as transform } from './benchmarks/transform.ts';
import { benchmark as types } from './benchmarks/types.ts';
import { benchmark as watch } from './benchmarks/watch.ts';
import { benchmark as watchLocked } from './benchmarks/watch-locked.ts';
import { benchmark as whole } from './benchmarks/whole.ts';
import { benchmark as wholeKeys } from './benchmarks/whole-keys.ts';
import { benchmark as wrong } from './benchmarks/wrong.ts';
import { parseOptions, usage } from './options.ts';
import { formatResults, legend } from './report/format-results.ts';
import { describeMachine, formatMachine } from './report/machine.ts';
import { serverSettings, startBenchServers } from './setup/servers.ts';

const benchmarks: readonly Benchmark[] = [
  ...[ingest, transform, types, load, whole, peers, ...increments, watch, watchLocked, coldStart],
  ...[wholeKeys, shop, ...growth, plan, census, tpch, trace, firstPage, large, wrong],
];

// Told to end, it takes the servers along: they hang on the exit event.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options === undefined) return 2;
  const { rows, reps, scale, only, json, embedded } = options;
  const chosen = benchmarks.filter(({ name, isLong }) => only?.includes(name) ?? isLong !== true);
  const servers = await startBenchServers({ embedded });
  const machine = describeMachine(servers.version);
  const results: Result[] = [];
  process.stdout.write(`${formatMachine(machine)}\n`);
  try {
    for (const benchmark of chosen) {
      const measured = await benchmark.run({ servers, rows, reps, scale });
      // At once: what comes after it may take minutes, and may fail.
      process.stdout.write(`\n${benchmark.name}: ${benchmark.about}\n${formatResults(measured)}\n`);
      results.push(...measured);
    }
  } finally {
    await servers.stop();
  }
  process.stdout.write(`\n${legend}\n`);
  const record = { machine, serverSettings, rows, reps, scale, results };
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
