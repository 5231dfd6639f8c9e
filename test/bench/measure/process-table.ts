import { readdirSync, readFileSync } from 'node:fs';

/** What /proc says of one process. Memory in bytes. */
export interface ProcessMemory {
  resident: number;
  /** The most that it ever had. */
  peak: number;
}

/** USER_HZ: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/**
 * CPU seconds, user and system: its own, threads included, and those of its children that have ended and were
 * waited for.
 *
 * @returns zeros where there is no such process, or no /proc
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
export function readCpu(pid: number): { own: number; endedChildren: number } {
  const text = readIfThere(`/proc/${pid}/stat`) ?? '';
  // The second field is the name in brackets, which may hold anything.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = fields.slice(11, 15);
  return {
    own: (user + system) / ticksPerSecond,
    endedChildren: (childrenUser + childrenSystem) / ticksPerSecond,
  };
}

export function readMemory(pid: number): ProcessMemory | undefined {
  const text = readIfThere(`/proc/${pid}/status`);
  if (text === undefined) return undefined;
  const bytesOf = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return { resident: bytesOf('VmRSS'), peak: bytesOf('VmHWM') };
}

/** What the process has started and still runs, and what those have, but for the trees under the pids left out. */
export function descendants(pid: number, leftOut: readonly number[] = []): number[] {
  const children = childrenOf(pid).filter((child) => !leftOut.includes(child));
  return [...children, ...children.flatMap((child) => descendants(child, leftOut))];
}

/** A child stands with the thread that started it. */
function childrenOf(pid: number): number[] {
  return listIfThere(`/proc/${pid}/task`).flatMap((thread) =>
    (readIfThere(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
  );
}

/** A process may end between any two looks at it. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

function listIfThere(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
