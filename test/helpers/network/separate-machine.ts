import { execFileSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';

/** What stands in for another machine: a network of its own, one cable away from this one. */
export interface SeparateMachine {
  /** This machine's address, as the other one sees it. */
  readonly address: string;
  /** What starts a program over there: the words before its own. */
  readonly prefix: readonly string[];
  /** Pulls the cable out: from now on nothing arrives, in either direction, and nobody is told. */
  cut(): void;
  remove(): void;
}

const run = (...words: string[]) => execFileSync('ip', words, { stdio: 'pipe' });

/** @returns undefined where this machine does not let the test make a network */
export function makeSeparateMachine(): SeparateMachine | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  const id = randomBytes(3).toString('hex');
  const [space, here, there] = [`starlift-${id}`, `sl${id}a`, `sl${id}b`];
  const net = `10.213.${randomInt(256)}`;
  const remove = () => {
    for (const words of [
      ['link', 'del', here],
      ['netns', 'del', space],
    ]) {
      try {
        run(...words);
      } catch {
        // It was not made.
      }
    }
  };
  try {
    run('netns', 'add', space);
    run('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', space);
    run('addr', 'add', `${net}.1/30`, 'dev', here);
    run('link', 'set', here, 'up');
    run('-n', space, 'addr', 'add', `${net}.2/30`, 'dev', there);
    run('-n', space, 'link', 'set', there, 'up');
  } catch {
    remove();
    return undefined;
  }
  return {
    address: `${net}.1`,
    prefix: ['ip', 'netns', 'exec', space],
    cut: () => void run('-n', space, 'link', 'set', there, 'down'),
    remove,
  };
}
