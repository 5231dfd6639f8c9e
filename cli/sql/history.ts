import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const keptLines = 1000;

/** The lines that somebody has typed at the prompt, in earlier sessions too. Statements may hold values that are nobody else's business. */
export interface History {
  /** Newest first, as readline has them. */
  lines: string[];
  add(line: string): void;
}

/** The user's state folder, by the XDG base directory specification. */
export const historyPath = (environment: Readonly<Record<string, string | undefined>>): string =>
  join(
    environment.XDG_STATE_HOME || join(environment.HOME || homedir(), '.local', 'state'),
    'starlift',
    'sql_history',
  );

/** A history that cannot be kept, as on a read-only home, is no reason to refuse a prompt. */
export function openHistory(path: string): History {
  const lines = readLines(path);
  let isKept = true;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // What is older goes; another session's lines since are appended behind.
    writeFileSync(path, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
    chmodSync(path, 0o600);
  } catch {
    isKept = false;
  }
  return {
    lines: lines.toReversed(),
    add: (line) => {
      if (!isKept) return;
      try {
        appendFileSync(path, `${line}\n`, { mode: 0o600 });
      } catch {
        isKept = false;
      }
    },
  };
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .slice(-keptLines);
  } catch {
    return [];
  }
}
