import {
  startWorkerPool as startProcesses,
  type WorkerPool,
  type WorkerPoolOptions,
} from '../../../cli/embedded/workers/worker-pool.ts';

export type { WorkerPool } from '../../../cli/embedded/workers/worker-pool.ts';

type StartWorkers = (options: WorkerPoolOptions) => WorkerPool;

let startInline: StartWorkers | undefined;

/** From now on the services of this test file's stacks run in this process; undefined: in processes of their own. */
export function runWorkersInline(start: StartWorkers | undefined): void {
  startInline = start;
}

/** In the place of the stack's own: a test file may have its workers in its own process (inline-workers.ts). */
export const startWorkerPool: StartWorkers = (options) => (startInline ?? startProcesses)(options);
