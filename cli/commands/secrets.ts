import { createInterface } from 'node:readline';
import { type Readable, Writable } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import { requireStage } from '../options/site-options.ts';
import { loadModel } from '../project/load-model.ts';
import { UsageError } from '../terminal/usage-error.ts';
import type { CommandModule } from './command-module.ts';

const databases = ['source', 'warehouse'] as const;

export const command: CommandModule = {
  run: async (values, positionals, terminal) => {
    const what = parseWhat(positionals);
    const stage = requireStage(values, 'whose secret to put', []);
    const streams = { input: process.stdin, output: process.stderr };
    const readUrl = () => readUnseen(`URL of the ${what} (not shown): `, streams);
    await (await import('../site/stage/put-secret.ts')).putSecret(
      stage,
      what,
      { readUrl, ...(values.iam === true && { auth: 'iam' }) },
      terminal,
      loadModel,
    );
    return 0;
  },
};

/** @throws {UsageError} it is not `put source` or `put warehouse` */
function parseWhat([action, name, ...surplus]: readonly string[]): (typeof databases)[number] {
  const what = databases.find((database) => database === name);
  if (action !== 'put' || what === undefined || surplus.length > 0) {
    throw new UsageError(
      'secrets expects `put source` or `put warehouse` (starlift help secrets shows its usage)',
    );
  }
  return what;
}

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
      reject(new UsageError('no URL was given: nothing was changed'));
    });
  });
}
