import * as fs from 'node:fs';
import type { FileCalls } from '../../../../cli/embedded/cloud/files/plain-files.ts';

/** The file calls of a process that is killed before its call number `calls`; no call of it has an effect from then on. */
export function makeDyingFiles(calls: number): FileCalls {
  let left = calls;
  const assertAlive = () => {
    left -= 1;
    if (left < 0) throw new Error('killed');
  };
  return {
    openSync: ((...args: Parameters<typeof fs.openSync>) => {
      assertAlive();
      return fs.openSync(...args);
    }) as typeof fs.openSync,
    // Half of the bytes at a time, so that a kill also leaves half a file.
    writeSync: ((file: number, bytes: Buffer, at: number) => {
      assertAlive();
      return fs.writeSync(file, bytes, at, Math.ceil((bytes.length - at) / 2));
    }) as typeof fs.writeSync,
    fsyncSync: (file) => {
      assertAlive();
      fs.fsyncSync(file);
    },
    // The system closes the files of a process that is killed.
    closeSync: (file) => fs.closeSync(file),
    renameSync: (from, to) => {
      assertAlive();
      fs.renameSync(from, to);
    },
    mkdirSync: ((...args: Parameters<typeof fs.mkdirSync>) => {
      assertAlive();
      return fs.mkdirSync(...args);
    }) as typeof fs.mkdirSync,
    rmSync: (...args) => {
      assertAlive();
      fs.rmSync(...args);
    },
    rmdirSync: ((...args: Parameters<typeof fs.rmdirSync>) => {
      assertAlive();
      fs.rmdirSync(...args);
    }) as typeof fs.rmdirSync,
  };
}

/**
 * Kills the work before each of its calls, one after the other, and looks at what each kill has left.
 *
 * @param look is given whether the work was done
 * @returns how many kills it took until the work was done
 */
export function killBetweenAnyTwo(work: (files: FileCalls) => void, look: (isDone: boolean) => void): number {
  for (let calls = 0; ; calls += 1) {
    let isDone = true;
    try {
      work(makeDyingFiles(calls));
    } catch (error) {
      if ((error as Error).message !== 'killed') throw error;
      isDone = false;
    }
    look(isDone);
    if (isDone) return calls;
  }
}
