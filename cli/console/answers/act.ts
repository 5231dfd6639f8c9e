import { spawn } from 'node:child_process';
import { UsageError } from '../../terminal/usage-error.ts';
import type { ActAnswer } from './api.ts';
import { isMending, wordsOf } from './mending.ts';
import { ForbiddenError } from './request.ts';

/** Runs the command line with these words. */
export type RunCommandLine = (words: readonly string[], signal: AbortSignal) => Promise<ActAnswer>;

const rememberedOffers = 2000;

/** The commands that the page was given: it can have no other one run. */
export interface Offers {
  /** @returns the same */
  offer<T>(answer: T): T;
  /**
   * @throws {ForbiddenError} the console was started without --allow-actions
   * @throws {UsageError} it is none of those that the page was given, or does not mend anything
   */
  act(command: unknown, signal: AbortSignal): Promise<ActAnswer>;
}

export function makeOffers(allowsActions: boolean, run: RunCommandLine): Offers {
  const offered = new Set<string>();
  return {
    offer: (answer) => {
      if (!allowsActions) return answer;
      for (const command of findCommands(answer)) {
        offered.delete(command);
        offered.add(command);
      }
      for (const oldest of offered) {
        if (offered.size <= rememberedOffers) break;
        offered.delete(oldest);
      }
      return answer;
    },
    act: async (command, signal) => {
      if (!allowsActions)
        throw new ForbiddenError(
          'the console runs nothing: start it with --allow-actions, or copy the command',
        );
      if (typeof command !== 'string' || !offered.has(command))
        throw new UsageError('this command is not one that the console has shown');
      if (!isMending(command)) throw new UsageError('the console does not run this command: copy it');
      return run(splitWords(wordsOf(command) ?? ''), signal);
    },
  };
}

/** Wherever they stand in an answer. */
function findCommands(answer: unknown): string[] {
  if (typeof answer === 'string') return wordsOf(answer) === undefined ? [] : [answer];
  if (typeof answer !== 'object' || answer === null) return [];
  return Object.values(answer).flatMap(findCommands);
}

/**
 * Splits a command as a POSIX shell does, as far as commands of ours are quoted.
 *
 * @example splitWords("redrive --data '/my data'") // ['redrive', '--data', '/my data']
 */
export function splitWords(command: string): string[] {
  const words = command.match(/(?:'[^']*'|"[^"]*"|\\.|[^\s'"\\])+/g) ?? [];
  return words.map((word) =>
    word.replaceAll(
      /'([^']*)'|"([^"]*)"|\\(.)/g,
      (_, single, double, escaped) => single ?? double ?? escaped,
    ),
  );
}

const keptCharacters = 64 * 1024;

/** By the program that this process was started by. It has what this one has: environment, folder and rights. */
export const runCommandLine: RunCommandLine = (words, signal) =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [process.argv[1] ?? '', ...words], {
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-keptCharacters);
      });
    signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
