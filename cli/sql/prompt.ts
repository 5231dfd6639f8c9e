import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { answer } from './commands.ts';
import type { History } from './history.ts';
import type { SqlConsole } from './print-result.ts';
import { describeSqlError } from './session.ts';
import { splitStatements } from './split-statements.ts';

export interface PromptStreams {
  input: Readable;
  output: Writable;
  /** Absent where nobody types. */
  history?: History;
}

const mark = { none: '', open: '*', failed: '!' } as const;

/**
 * Asks for statements until \q or the end of the input, which is Ctrl-D. A statement ends with a semicolon and may go
 * over several lines; one that fails says why, and the next is asked for. Ctrl-C cancels what runs, else drops what was
 * typed.
 */
export async function promptForStatements(
  console: SqlConsole,
  { input, output, history }: PromptStreams,
): Promise<void> {
  const { session, terminal } = console;
  const promptText = () => `${session.database}${pending === '' ? '=' : '-'}${mark[session.transaction]}> `;
  let pending = '';
  let isRunning = false;
  let isClosed = false;
  const lines = createInterface({
    input,
    output,
    prompt: promptText(),
    history: history?.lines ?? [],
    historySize: 1000,
  });
  lines.once('close', () => {
    isClosed = true;
  });
  lines.on('history', ([newest = '']: string[]) => history?.add(newest));
  lines.on('SIGINT', () => {
    if (isRunning) {
      session.cancel().catch((error: Error) => terminal.error(`it could not be cancelled: ${error.message}`));
      return;
    }
    lines.write(null, { ctrl: true, name: 'e' });
    lines.write(null, { ctrl: true, name: 'u' });
    output.write('^C\n');
    pending = '';
    lines.setPrompt(promptText());
    lines.prompt();
  });
  lines.prompt();
  let isEnd = false;
  for await (const line of lines) {
    const { statements, rest } = splitStatements(`${pending}${line}\n`);
    isRunning = true;
    for (const statement of statements) {
      isEnd = (await answerOrExplain(statement, console)) === 'end';
      if (isEnd) break;
    }
    isRunning = false;
    if (isEnd) break;
    pending = rest.trim() === '' ? '' : rest;
    // The input may have ended while its last lines wait: a closed prompt throws.
    if (isClosed) continue;
    lines.setPrompt(promptText());
    lines.prompt();
  }
  if (!isEnd && terminal.isInteractive) output.write('\n');
  lines.close();
}

async function answerOrExplain(statement: string, console: SqlConsole): Promise<'end' | undefined> {
  try {
    return await answer(statement, console);
  } catch (error) {
    console.terminal.error(describeSqlError(error, statement, console.session));
    return undefined;
  }
}
