import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./copy-program.ts', import.meta.url));
const hasPsql = spawnSync('psql', ['--version']).status === 0;

/** Who runs the reference's statements: psql where it is installed, else a program of the project's own over pg. */
export const referenceName = hasPsql ? 'psql' : 'pg';

/** The command, for a shell, that runs a COPY from its stdin or to its stdout, or other statements. */
export function copyCommand(url: string, sql: string): string {
  const words = hasPsql
    ? ['psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', sql]
    : [process.execPath, program, url, sql];
  return words.map(quoteForShell).join(' ');
}

export const quoteForShell = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** @throws it ends with another code than 0; the message holds its stderr */
export function runInShell(command: string, env: Record<string, string> = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', command], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-4000);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`exit code ${code}: ${command}\n${stderr}`));
    });
  });
}
