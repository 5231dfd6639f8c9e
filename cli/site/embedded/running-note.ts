import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DataFolder, readStackFile, takeDataFolder } from '../../embedded/machine/data-folder.ts';
import { UsageError } from '../../terminal/usage-error.ts';
import type { Activity } from '../activity.ts';

const noteFile = 'running.json';
const unfinishedFile = 'unfinished.json';

/**
 * Notes how a run works, for other commands to judge by, also when it has ended.
 *
 * @param everySeconds between the plans of a watch; undefined for a single run
 */
export const noteRunning = (folder: DataFolder, everySeconds: number | undefined): void =>
  folder.writeJson(noteFile, { pid: process.pid, everySeconds: everySeconds ?? null });

/** Says who works on a data folder. To be asked before the folder is opened, which takes its lock. */
export function readActivity(data: string): Activity {
  const { everySeconds } = readObject(data, noteFile);
  const every = typeof everySeconds === 'number' ? everySeconds : undefined;
  const folder = takeDataFolder(data);
  if (folder === undefined) {
    return { isRunning: true, pid: readPid(data), endedUnexpectedly: false, everySeconds: every };
  }
  folder.release();
  const { pid } = readObject(data, unfinishedFile);
  const died = typeof pid === 'number' ? pid : undefined;
  return { isRunning: false, pid: died, endedUnexpectedly: died !== undefined, everySeconds: every };
}

/**
 * Only commands that make a data folder may be given one that is not there.
 *
 * @throws {UsageError} names the folder
 */
export function assertDataFolder(data: string): void {
  if (existsSync(join(data, 'lock.sqlite'))) return;
  throw new UsageError(
    `--data ${data}: there is no such data folder. Name another one, or make it with starlift run --data ${data}`,
  );
}

function readPid(data: string): number | undefined {
  try {
    return readStackFile(data)?.pid;
  } catch {
    return undefined;
  }
}

/** What is damaged says nothing: the run that reads it refuses it. */
function readObject(data: string, name: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(readFileSync(join(data, name), 'utf8'))) as Record<string, unknown>;
  } catch {
    return {};
  }
}
