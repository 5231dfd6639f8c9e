import { readdirSync, readFileSync } from 'node:fs';

/** What a process holds now, as Linux tells it under /proc. */
export interface ProcessSample {
  /** Resident memory, in KiB. */
  residentKib: number;
  /** Files, pipes and sockets. */
  handles: number;
}

/** Linux alone tells what a process holds in files that any program can read. */
export const canSampleProcesses = process.platform === 'linux';

/** The process and those of its children that still run, by pid: each is a process of its own, with its own limits. */
export function sampleProcesses(pid: number): Map<number, ProcessSample> {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean);
  return new Map([pid, ...children.map(Number)].map((each) => [each, sample(each)]));
}

function sample(pid: number): ProcessSample {
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { residentKib: Number(resident), handles: readdirSync(`/proc/${pid}/fd`).length };
}
