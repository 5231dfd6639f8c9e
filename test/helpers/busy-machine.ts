import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { expect } from '@jest/globals';

/** Checks how long something took. What took longer on a busy machine proves nothing. */
export function assertWithin(seconds: number, limit: number): void {
  if (seconds > limit && isBusy())
    console.warn(`NOT TESTED: ${limit} s; it took ${seconds.toFixed(1)} s of a busy machine`);
  else expect(seconds).toBeLessThan(limit);
}

/** Whether work waits for a processor. A load is that of the last minute, so Linux' own answer comes first. */
function isBusy(): boolean {
  return cpuPressure() > 20 || (loadavg()[0] ?? 0) > 1.5 * availableParallelism();
}

/** In how many percent of the last ten seconds a process waited for a processor; 0 where the system does not say. */
function cpuPressure(): number {
  try {
    const [, percent] = /^some avg10=([\d.]+)/.exec(readFileSync('/proc/pressure/cpu', 'utf8')) ?? [];
    return Number(percent ?? 0);
  } catch {
    return 0;
  }
}
