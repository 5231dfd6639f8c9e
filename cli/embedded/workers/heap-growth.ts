import { setFlagsFromString } from 'node:v8';

// A slice is tens of megabytes of short-lived buffers. V8 counts them against the old generation, which is small here, and
// with its usual growth it marked the whole heap at every 10 MB of them: a fourth of a million rows' CPU time. It still
// does at every 64 MB: --external-memory-accounted-in-global-limit halves that, for 40 MB more in each process.
const growthPercent = 300;
// That room is filled in any case, if late: a process of a watch would grow for hundreds of runs.
const steadyGrowthPercent = 50;

// A slice's buffers hang on small objects of the young generation, and come back when that is collected. Let grow, as V8
// would, it is collected ten times in a million rows. Kept at its first megabyte: sixty times, at 1 ms each; a third fewer
// of the collections that mark everything, 5 % less CPU time, and 40 to 70 MB less in all processes.
const youngGrowthFactor = 1;

/**
 * Says when V8 is to collect the heap of a process that moves slices.
 *
 * Not on the command line, and when all is loaded: V8 takes no compiled code that was cached under other flags, so Node
 * would compile its own modules anew in every process, 50 ms of CPU time.
 *
 * @param isSteady whether it lives for many runs
 */
export function setHeapGrowth({ isSteady }: { isSteady: boolean }): void {
  setFlagsFromString(`--semi-space-growth-factor=${youngGrowthFactor}`);
  setFlagsFromString(`--heap-growing-percent=${isSteady ? steadyGrowthPercent : growthPercent}`);
}
