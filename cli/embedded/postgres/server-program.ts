import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { explainServerFailure } from './server-failure.ts';
import type { ServerUser } from './server-user.ts';
import { serverEnvironment } from './settings.ts';

/**
 * Runs one of the server's programs to its end.
 *
 * @param what the words for it in an error, with its folder
 * @param stdin written to its standard input
 * @returns the lines of its standard error
 * @throws {StackError} it cannot be run, or ended with another code than 0
 */
export async function runServerProgram(
  what: string,
  program: string,
  args: readonly string[],
  { user, stdin = '' }: { user: ServerUser; stdin?: string },
): Promise<string[]> {
  // initdb asks for a working folder that its user may enter.
  const child = spawn(program, args, { ...user, cwd: '/', env: serverEnvironment, stdio: 'pipe' });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => reject(explainServerFailure(what, [error.message])));
    child.once('close', resolve);
  });
  // A program that ends early closes the pipe; its exit code says so better.
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);
  child.stdout.resume();
  const [output, code] = await Promise.all([text(child.stderr), ended]);
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  if (code !== 0) throw explainServerFailure(what, lines);
  return lines;
}
