import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../../cli/starlift.js', import.meta.url));

export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/**
 * Runs the command line as a user does: in a process of its own, its output in a pipe.
 *
 * @param input what it reads from stdin; nothing where it is left out
 * @param cwd where it is called; this process' by default
 */
export function starlift(
  args: readonly string[],
  env: Record<string, string> = {},
  input?: string,
  cwd?: string,
): Promise<CommandResult> {
  const child = spawnStarlift(args, env, cwd);
  child.stdin?.end(input);
  return finished(child);
}

export function spawnStarlift(
  args: readonly string[],
  env: Record<string, string> = {},
  cwd?: string,
): ChildProcess {
  return spawn(process.execPath, [program, ...args], {
    ...(cwd !== undefined && { cwd }),
    // On a terminal Jest sets FORCE_COLOR, and Node warns on stderr of the two.
    env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: '1', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

export function finished(child: ChildProcess): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const output = { stdout: '', stderr: '' };
    child.stdout?.on('data', (chunk: Buffer) => {
      output.stdout += chunk.toString();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      output.stderr += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => {
      // Of our own code or a library's: nobody but us can mend what it warns of.
      const [warning] = /^\(node:\d+\) .*Warning: .*$/m.exec(output.stderr) ?? [];
      if (warning !== undefined) reject(new Error(`it prints ${warning}`));
      resolve({ code, ...output });
    });
  });
}

/** The JSON object on the last line of stdout. */
export function lastJson<T>({ stdout, stderr, code }: CommandResult): T {
  const line = stdout.trimEnd().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(line) as T;
  } catch {
    throw new Error(`no JSON on the last line of stdout (exit ${code}):\n${stdout}\n${stderr}`);
  }
}
