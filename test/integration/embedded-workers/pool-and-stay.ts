import { startWorkerPool } from '../../../cli/embedded/workers/worker-pool.ts';

// Starts two workers, keeps one busy for ever, prints their process ids, and stays until killed.
const url = new URL('./handlers/probe.ts', import.meta.url).href;
const pool = startWorkerPool({ size: 2, handlers: { probe: url }, env: {} });
const pids = new Set<unknown>();
while (pids.size < 2)
  for (const answer of await Promise.all([pool.invoke('probe', {}), pool.invoke('probe', {})]))
    pids.add((answer as { pid: number }).pid);
pool.invoke('probe', { hang: true }).catch(() => {});
process.stdout.write(`${[...pids].join(' ')}\n`);
