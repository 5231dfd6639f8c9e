import { spawn, spawnSync } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';

/** A program on a terminal of its own, and a person who types. */
export interface Typed {
  /** Types, as keys come: Enter is `\r`, Ctrl-C `\x03`, Ctrl-D `\x04`, Tab `\t`. */
  type(keys: string): void;
  /**
   * Waits until the terminal has shown something since what was last waited for.
   *
   * @returns what was shown up to and with it, without colours and cursor movements
   */
  shown(what: string | RegExp): Promise<string>;
  /** All that has been shown up to the program's end. */
  everything(): Promise<string>;
  /** The exit code, when the program has ended. */
  ended: Promise<number | null>;
  kill(): void;
}

export const hasProgram = (name: string): boolean =>
  spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;

/**
 * util-linux' script gives the program a pseudo-terminal, and ends with the program's exit code.
 *
 * @param cwd where it is called; this process' by default
 */
export function startOnTerminal(
  command: string,
  env: Record<string, string> = {},
  columns = 80,
  cwd?: string,
): Typed {
  const child = spawn('script', ['-qfec', `stty cols ${columns} rows 40; exec ${command}`, '/dev/null'], {
    cwd,
    env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: undefined, TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  let waitedFor = 0;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const plain = () => stripVTControlCharacters(output).replaceAll('\r', '');
  return {
    everything: async () => {
      await ended;
      return plain();
    },
    type: (keys) => child.stdin.write(keys),
    shown: async (what) => {
      const deadline = Date.now() + 30_000;
      for (;;) {
        const text = plain().slice(waitedFor);
        const end = typeof what === 'string' ? endOf(text, what) : endOfMatch(text, what);
        if (end > 0) {
          waitedFor += end;
          return text.slice(0, end);
        }
        if (Date.now() > deadline) {
          throw new Error(`the terminal has not shown ${String(what)}, but:\n${text}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    ended,
    kill: () => child.kill('SIGKILL'),
  };
}

const endOf = (text: string, part: string): number =>
  text.includes(part) ? text.indexOf(part) + part.length : 0;

function endOfMatch(text: string, pattern: RegExp): number {
  const match = pattern.exec(text);
  return match === null ? 0 : match.index + match[0].length;
}
