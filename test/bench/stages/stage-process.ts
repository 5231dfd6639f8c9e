import { createInterface } from 'node:readline';
import { applyCensus, makeItems, readCensus, transformCensus } from './census.ts';
import { extract } from './extract.ts';
import { ingest } from './ingest.ts';
import { encode, load } from './load.ts';
import { plan } from './plan.ts';
import { transform, transformLines } from './transform.ts';
import { transformType } from './transform-types.ts';

// The product's stages without queues and buckets, in a process that stays: takes tasks as lines of JSON.

const stages: Record<string, (task: Record<string, string>) => Promise<unknown>> = {
  ingest,
  extract,
  transform,
  load,
  encode,
  plan,
  'read-census': readCensus,
  'transform-census': transformCensus,
  'make-items': makeItems,
  'apply-census': applyCensus,
  'transform-lines': transformLines,
  'transform-type': transformType,
};

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}

async function answer({ stage = '', ...task }: Record<string, string>): Promise<object> {
  const run = stages[stage];
  if (run === undefined) return { error: `there is no stage ${stage}` };
  try {
    return { value: (await run(task)) ?? null };
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
