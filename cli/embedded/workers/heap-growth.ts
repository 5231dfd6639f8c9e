import { setFlagsFromString } from 'node:v8';

// V8 counts a slice's buffers against the old generation, which is small in a worker: with its usual growth it marked
// the whole heap at every 10 MB, 80 times in 1,000,000 rows and a fourth of all the CPU time.
export const heapGrowth = 300;
// That room is filled in any case, if late: a worker of a watch would grow for hundreds of runs.
export const steadyHeapGrowth = 50;

/**
 * Lets the old generation grow by so many percent of what lives before it is collected.
 *
 * Not on the command line, and when all is loaded: V8 takes no compiled code that was cached under other flags, so Node
 * would compile its own modules anew in every process, 50 ms of CPU time.
 */
export function letHeapGrow(percent: number): void {
  setFlagsFromString(`--heap-growing-percent=${percent}`);
}
