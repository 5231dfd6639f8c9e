import { writeFileSync } from 'node:fs';
import { descendants, readCpu, readMemory } from './process-table.ts';

/** What one piece of work took. CPU and memory are 0 where there is no /proc. */
export interface Measurement {
  /** Wall time. */
  seconds: number;
  /** CPU seconds of all processes but Postgres. */
  clientCpu: number;
  /** CPU seconds of the Postgres servers. */
  serverCpu: number;
  /** Bytes: the most of any one process but Postgres. */
  largestProcess: number;
  /** Bytes: the most of all of them together, as their resident memory was seen to add up. */
  allProcesses: number;
}

/** A look takes 1 ms of CPU time, which a run that keeps all cores busy has to wait for. */
const lookEveryMs = 100;
/** What is over by then is seen more often. */
const firstLookMs = 20;

/**
 * Measures work that is done by processes which this one starts, or has started: itself it should only wait.
 *
 * @param postmasters the pids of the Postgres servers
 */
export async function measure(
  work: () => Promise<void>,
  postmasters: readonly number[],
): Promise<Measurement> {
  const memory = watchMemory(postmasters);
  const before = readCpuOfAll(postmasters);
  const started = performance.now();
  try {
    await work();
    const seconds = (performance.now() - started) / 1000;
    const after = readCpuOfAll(postmasters);
    return {
      seconds,
      clientCpu: after.client - before.client,
      serverCpu: after.servers - before.servers,
      ...memory.peaks(),
    };
  } finally {
    memory.stop();
  }
}

/** What has ended counts by the time that its parent has taken over, so no process is missed however short. */
function readCpuOfAll(postmasters: readonly number[]): { client: number; servers: number } {
  const sumOf = (pids: readonly number[]) =>
    pids.map(readCpu).reduce((sum, { own, endedChildren }) => sum + own + endedChildren, 0);
  return {
    client: readCpu(process.pid).endedChildren + sumOf(descendants(process.pid, postmasters)),
    servers: sumOf(postmasters.flatMap((pid) => [pid, ...descendants(pid)])),
  };
}

function watchMemory(postmasters: readonly number[]) {
  const peaks = { largestProcess: 0, allProcesses: 0 };
  const list = () => descendants(process.pid, postmasters);
  // A process that stays for the next subject's run and idles in this one has no part in it.
  const before = new Map(list().map((pid) => [pid, readCpu(pid).own]));
  for (const pid of before.keys()) forgetPeak(pid);
  const look = () => {
    const atWork = list().filter((pid) => readCpu(pid).own !== before.get(pid));
    const memories = atWork.flatMap((pid) => readMemory(pid) ?? []);
    const together = memories.reduce((sum, { resident }) => sum + resident, 0);
    peaks.allProcesses = Math.max(peaks.allProcesses, together);
    peaks.largestProcess = Math.max(peaks.largestProcess, ...memories.map(({ peak }) => peak));
  };
  let lookInMs = firstLookMs;
  const lookAgain = () => {
    look();
    lookInMs = Math.min(lookInMs + firstLookMs, lookEveryMs);
    timer = setTimeout(lookAgain, lookInMs);
  };
  let timer = setTimeout(lookAgain, lookInMs);
  return {
    peaks: () => {
      look();
      return { ...peaks };
    },
    stop: () => clearTimeout(timer),
  };
}

/** Of a process that was there before the work: 5 sets the peak back to what it has now. */
function forgetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // It has ended meanwhile, or the kernel has no such file: then the peak is that of its whole life.
  }
}
