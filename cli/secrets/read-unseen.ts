import { createInterface } from 'node:readline';
import { type Readable, Writable } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import { UsageError } from '../terminal/usage-error.ts';

export interface UnseenStreams {
  input: Readable & { isTTY?: boolean };
  /** Where the question goes. */
  output: Writable;
}

/**
 * Reads one line that must not be shown: all of a pipe, or what is typed at a terminal, which does not show it.
 *
 * @throws {UsageError} Ctrl-C or Ctrl-D in place of an answer
 */
export async function readUnseen(question: string, { input, output }: UnseenStreams): Promise<string> {
  return (input.isTTY === true ? await ask(question, { input, output }) : await readText(input)).trim();
}

function ask(question: string, { input, output }: UnseenStreams): Promise<string> {
  // Readline writes what is typed to its output: this one drops it.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: nowhere, terminal: true });
  output.write(question);
  return new Promise((resolve, reject) => {
    lines.once('line', (line) => {
      resolve(line);
      lines.close();
    });
    // After a line it is too late to reject.
    lines.once('close', () => {
      output.write('\n');
      reject(new UsageError('no URL was given: nothing has changed'));
    });
  });
}
