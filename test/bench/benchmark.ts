import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { memoryEnvironment } from '../../cli/embedded/workers/worker-process.ts';
import { type AlternateOptions, alternate, type Subject } from './measure/alternate.ts';
import type { Measurement } from './measure/measure.ts';
import { type Summary, summarise } from './measure/summary.ts';
import { type Resident, startResident } from './resident.ts';
import { type BenchServers, keptFolder } from './setup/servers.ts';

export interface BenchContext {
  servers: BenchServers;
  /** Sales orders. */
  rows: number;
  /** Runs that count. */
  reps: number;
  /** Of TPC-H: 1 is 8.66 million rows. */
  scale: number;
}

/** One line of the table. */
export interface Result {
  benchmark: string;
  subject: string;
  /** What the others of the benchmark are compared with. */
  isReference: boolean;
  /** Rows that one run brings to its end. */
  rows: number;
  summary: Summary;
  runs: Measurement[];
  note?: string;
}

export interface Benchmark {
  name: string;
  about: string;
  /** Takes minutes: only when it is named. */
  isLong?: boolean;
  run(context: BenchContext): Promise<Result[]>;
}

/** Runs the subjects in turn. The last one is the reference. */
export async function compare(
  benchmark: string,
  subjects: readonly Subject[],
  { servers, reps }: BenchContext,
  { rows, ...options }: { rows: number } & Pick<AlternateOptions, 'nextRound'>,
): Promise<Result[]> {
  const { postmasters, settle } = servers;
  const measurements = await alternate(subjects, { reps, postmasters, settle, onRun: tell, ...options });
  return subjects.map(({ name }, index) => {
    const runs = measurements[index] ?? [];
    const isReference = subjects.length > 1 && index === subjects.length - 1;
    return { benchmark, subject: name, isReference, rows, summary: summarise(runs), runs };
  });
}

function tell({ name }: Subject, { seconds, clientCpu, serverCpu }: Measurement): void {
  const [wall, cpu] = [seconds, clientCpu + serverCpu].map((value) => value.toFixed(2));
  process.stderr.write(`  ${name}: ${wall} s, ${cpu} s of CPU\n`);
}

/** Lends an empty folder. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(keptFolder, `run-${process.pid}-`));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Lends the process that runs the product's stages, started as the workers are. */
export async function withStages<T>(work: (stages: Resident) => Promise<T>): Promise<T> {
  const program = fileURLToPath(new URL('./stages/stage-process.ts', import.meta.url));
  const stages = startResident(process.execPath, [program], memoryEnvironment);
  try {
    return await work(stages);
  } finally {
    await stages.stop();
  }
}
