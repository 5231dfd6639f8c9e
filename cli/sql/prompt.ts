import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type pg from 'pg';
import type { Terminal } from '../terminal/terminal.ts';
import { describeSqlError, runStatement } from './run-statement.ts';
import { splitStatements } from './split-statements.ts';

export interface PromptStreams {
  input: Readable;
  output: Writable;
}

/**
 * Asks for statements until \q, the end of the input or Ctrl-C. A statement ends with a semicolon and may go over
 * several lines; one that fails says why, and the next is asked for.
 */
export async function promptForStatements(
  client: pg.Client,
  terminal: Terminal,
  { input, output }: PromptStreams,
): Promise<void> {
  const lines = createInterface({ input, output, prompt: `${client.database ?? 'postgres'}=> ` });
  let isClosed = false;
  lines.once('close', () => {
    isClosed = true;
  });
  lines.on('SIGINT', () => {
    lines.close();
    void client.end();
  });
  let pending = '';
  lines.prompt();
  for await (const line of lines) {
    if (pending === '' && line.trim() === '\\q') break;
    const { statements, rest } = splitStatements(pending + line);
    for (const statement of statements) await answer(client, statement, terminal);
    pending = rest.trim() === '' ? '' : `${rest}\n`;
    // The input may have ended while its last lines wait: a closed prompt throws.
    if (isClosed) continue;
    lines.setPrompt(`${client.database ?? 'postgres'}${pending === '' ? '=' : '-'}> `);
    lines.prompt();
  }
  lines.close();
}

async function answer(client: pg.Client, statement: string, terminal: Terminal): Promise<void> {
  try {
    await runStatement(client, statement, terminal);
  } catch (error) {
    terminal.error(describeSqlError(error));
  }
}
