import { setTimeout as delay } from 'node:timers/promises';
import type { BenchContext, Result } from '../benchmark.ts';
import { type Measurement, measure } from '../measure/measure.ts';
import { summarise } from '../measure/summary.ts';
import { execute } from '../setup/servers.ts';
import type { KeptCopy } from './copies.ts';
import type { Burst, ShopWriters } from './shop-writers.ts';
import { countWrongRows, type WrongRows } from './wrong-rows.ts';

export interface KeepOptions {
  benchmark: string;
  phases: readonly Phase[];
  writers: ShopWriters;
}

export interface Phase {
  /** That one burst changes, for the table. */
  rows: number;
  /** What is written before each round of increments. */
  bursts: readonly Burst[];
}

/**
 * Lets each keep its copy up to date, one after the other in each round, while a source is written to: transactions are open over
 * a round, and one commits in each increment. When all is written and committed, each has one more increment, and is compared.
 */
export async function keepCopies(
  copies: readonly KeptCopy[],
  source: string,
  context: BenchContext,
  { benchmark, phases, writers }: KeepOptions,
): Promise<Result[]> {
  for (const { increment } of copies) await increment();
  const results: Result[] = [];
  for (const { rows, bursts } of phases) {
    const measured = await measureRounds(copies, source, context, { bursts, writers });
    for (const [index, { name: subject }] of copies.entries()) {
      const { runs, blocks } = measured[index] ?? { runs: [], blocks: [] };
      const note = `${medianOf(blocks).toLocaleString('en')} blocks`;
      results.push({ benchmark, subject, isReference: false, rows, summary: summarise(runs), runs, note });
    }
  }
  await writers.end();
  for (const { name, copy, increment, complete = increment } of copies) {
    await complete();
    const wrong = describe(await countWrongRows(source, copy));
    const last = results.findLast(({ subject }) => subject === name);
    if (last !== undefined) last.note = `${last.note}; in the end ${wrong}`;
  }
  return results;
}

/** What the increments of one copy took, and how many blocks they read of the source. */
interface Rounds {
  runs: Measurement[];
  blocks: number[];
}

async function measureRounds(
  copies: readonly KeptCopy[],
  source: string,
  { servers }: BenchContext,
  { bursts, writers }: { bursts: readonly Burst[]; writers: ShopWriters },
): Promise<Rounds[]> {
  const rounds = copies.map((): Rounds => ({ runs: [], blocks: [] }));
  for (const [round, burst] of bursts.entries()) {
    await writers.burst(burst);
    for (let turn = 0; turn < copies.length; turn++) {
      // Most is open for whoever comes first.
      const index = (turn + round) % copies.length;
      const [kept, own] = [copies[index], rounds[index]];
      if (kept === undefined || own === undefined) continue;
      await servers.settle();
      const before = await blocksRead(source);
      // A commit reads no block of a table.
      const committing = delay(100 + 200 * (turn % 3)).then(() => writers.commitOne());
      const measurement = await measure(() => kept.increment(), servers.postmasters);
      await committing;
      const blocks = (await blocksRead(source)) - before;
      own.runs.push(measurement);
      own.blocks.push(blocks);
      process.stderr.write(`  ${kept.name}: ${measurement.seconds.toFixed(2)} s, ${blocks} blocks\n`);
    }
    await writers.commitOld();
  }
  return rounds;
}

const describe = ({ missing, stale, gone }: WrongRows): string =>
  `${missing.toLocaleString('en')} missing, ${stale.toLocaleString('en')} stale, ${gone.toLocaleString('en')} gone`;

const medianOf = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Blocks of tables, their TOAST and their indexes that sessions have asked for so far; those that ended have reported them. */
async function blocksRead(source: string): Promise<number> {
  const [row] = await execute<{ blocks: string }>(source, [
    `select sum(coalesce(heap_blks_read, 0) + coalesce(heap_blks_hit, 0) + coalesce(idx_blks_read, 0) + coalesce(idx_blks_hit, 0)
              + coalesce(toast_blks_read, 0) + coalesce(toast_blks_hit, 0) + coalesce(tidx_blks_read, 0)
              + coalesce(tidx_blks_hit, 0)) as blocks
       from pg_statio_user_tables`,
  ]);
  return Number(row?.blocks);
}
