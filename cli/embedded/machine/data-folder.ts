import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { UsageError } from '../../terminal/usage-error.ts';
import { diskFull, isDiskFull } from './disk-full.ts';

/** What other commands need to attach to a running stack; it holds passwords, so mode 0600. */
export interface StackFile {
  pid: number;
  endpoint: string;
  sourceUrl: string;
  warehouseUrl: string;
}

/** The folder of one pipeline, held by one process at a time. */
export interface DataFolder {
  readonly path: string;
  writeStackFile(stack: StackFile): void;
  /** Reads a small JSON file of the folder. @returns undefined if there is no such file */
  readJson(name: string): unknown;
  /** Writes it as a whole or not at all, mode 0600. */
  writeJson(name: string, value: unknown): void;
  /** The same, and waits until it would outlive a power loss. */
  writeJsonDurably(name: string, value: unknown): void;
  /** Removes stack.json and lets the next process in. */
  release(): void;
}

const stackFileName = 'stack.json';

/** SQLITE_BUSY, https://www.sqlite.org/rescode.html */
const sqliteBusy = 5;

/**
 * Takes the folder for this process, making it where it is missing.
 *
 * The lock is SQLite's, on a file of ours: the system releases it when the process dies for any reason. A file that merely
 * exists would stay.
 *
 * @returns undefined while another process holds it
 * @throws {UsageError} the folder cannot be made or written to
 * @throws {TransientError} its disk is full
 */
export function takeDataFolder(path: string): DataFolder | undefined {
  const lock = openLock(path);
  try {
    lock.exec('begin exclusive');
  } catch (cause) {
    lock.close();
    if ((cause as { errcode?: unknown }).errcode === sqliteBusy) return undefined;
    if (isDiskFull(cause)) throw diskFull(path, cause);
    throw new UsageError(`--data ${path}: its lock.sqlite cannot be locked (${(cause as Error).message})`, {
      cause,
    });
  }
  // A killed process leaves its stack.json. Until ours is written, commands must not attach to the dead process.
  rmSync(join(path, stackFileName), { force: true });
  return {
    path,
    writeStackFile: (stack) => writeJson(path, stackFileName, stack),
    readJson: (name) => readJson(path, name),
    writeJson: (name, value) => writeJson(path, name, value),
    writeJsonDurably: (name, value) => {
      writeJson(path, name, value, true);
      flushFolder(path);
    },
    release: () => {
      rmSync(join(path, stackFileName), { force: true });
      lock.close();
    },
  };
}

/**
 * The stack that runs on a folder held by another process; undefined while that one is still starting.
 *
 * @throws {UsageError} the file is not what that process has written
 */
export function readStackFile(path: string): StackFile | undefined {
  const text = readText(path, stackFileName);
  if (text === undefined) return undefined;
  try {
    return parseStackFile(JSON.parse(text));
  } catch (cause) {
    throw new UsageError(
      `--data ${path}: another process is running on this folder, and its ${stackFileName} is damaged; ` +
        'stop it and start it again',
      { cause },
    );
  }
}

/** Without its endpoint a client of ours would turn to AWS. */
function parseStackFile(value: unknown): StackFile {
  const { pid, endpoint, sourceUrl, warehouseUrl } = Object(value) as Record<string, unknown>;
  const isWhole =
    typeof pid === 'number' && typeof sourceUrl === 'string' && typeof warehouseUrl === 'string';
  if (isWhole && typeof endpoint === 'string' && URL.canParse(endpoint)) {
    return { pid, endpoint, sourceUrl, warehouseUrl };
  }
  throw new Error('it does not describe a running stack');
}

function openLock(path: string): DatabaseSync {
  try {
    // Others may pass through, because the database server runs as another user when we are root. They may not list it.
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o711);
    const lock = new DatabaseSync(join(path, 'lock.sqlite'));
    // Nothing that reads the file: while another process holds it, that would fail.
    lock.exec('pragma busy_timeout = 0');
    return lock;
  } catch (cause) {
    if (isDiskFull(cause)) throw diskFull(path, cause);
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new UsageError(`--data ${path}: the folder cannot be written to (${code ?? message})`, { cause });
  }
}

function readJson(path: string, name: string): unknown {
  const text = readText(path, name);
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch (cause) {
    throw new UsageError(
      `--data ${path}: ${name} is damaged (not JSON); move the folder away to start over`,
      { cause },
    );
  }
}

function readText(path: string, name: string): string | undefined {
  try {
    return readFileSync(join(path, name), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function writeJson(path: string, name: string, value: unknown, flush = false): void {
  const temporary = join(path, `.${name}.${process.pid}`);
  try {
    writeFileSync(temporary, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600, flush });
    renameSync(temporary, join(path, name));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw isDiskFull(error) ? diskFull(path, error) : error;
  }
}

/** The folder holds a file's new name, so it has to be flushed as well. */
function flushFolder(folder: string): void {
  const file = openSync(folder, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
