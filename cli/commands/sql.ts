import { text as readText } from 'node:stream/consumers';
import { withDatabases } from '../options/open-databases.ts';
import { answer } from '../sql/commands.ts';
import { historyPath, openHistory } from '../sql/history.ts';
import type { SqlConsole } from '../sql/print-result.ts';
import { promptForStatements } from '../sql/prompt.ts';
import { describeSqlError, makeSession } from '../sql/session.ts';
import { splitStatements } from '../sql/split-statements.ts';
import { UsageError } from '../terminal/usage-error.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  run: async (values, positionals, terminal) => {
    const [query, surplus] = positionals;
    if (surplus !== undefined) throw new UsageError('sql takes one QUERY: put it in quotes');
    if (values.source === true && values.warehouse === true) {
      throw new UsageError('sql takes --source or --warehouse, not both');
    }
    return withDatabases(values, async (databases) => {
      const client = await databases[values.source === true ? 'connectSource' : 'connectWarehouse']();
      try {
        const session = makeSession(client, values.write === true ? 'read write' : 'read only');
        const console: SqlConsole = { session, terminal, expanded: 'auto' };
        if (query === undefined && process.stdin.isTTY) {
          await askAtPrompt(console);
          return 0;
        }
        return await runAll(query ?? (await readText(process.stdin)), console);
      } finally {
        await client.end();
      }
    });
  },
};

async function askAtPrompt(console: SqlConsole): Promise<void> {
  const { session, terminal } = console;
  const what = session.isReadOnly
    ? 'read-only (starlift sql --write lets statements change data)'
    : 'and statements may change data';
  terminal.info(`Connected to ${session.database}, ${what}. \\? shows help.`);
  await promptForStatements(console, {
    input: process.stdin,
    output: process.stdout,
    history: openHistory(historyPath(process.env)),
  });
}

/** Runs statements up to the first that fails. Ctrl-C cancels it on the server, which would otherwise go on with it. */
async function runAll(text: string, console: SqlConsole): Promise<number> {
  let isInterrupted = false;
  const interrupt = () => {
    isInterrupted = true;
    console.session.cancel().catch(() => {});
  };
  process.once('SIGINT', interrupt);
  const { statements, rest } = splitStatements(text);
  try {
    for (const statement of rest.trim() === '' ? statements : [...statements, rest.trim()]) {
      if (isInterrupted) return 130;
      if ((await explaining(statement, console)) === 'end') break;
    }
    return 0;
  } catch (error) {
    if (isInterrupted) return 130;
    throw error;
  } finally {
    process.off('SIGINT', interrupt);
  }
}

async function explaining(statement: string, console: SqlConsole): Promise<'end' | undefined> {
  try {
    return await answer(statement, console);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new Error(describeSqlError(error, statement, console.session), { cause: error });
  }
}
