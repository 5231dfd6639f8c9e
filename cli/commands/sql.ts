import { text as readText } from 'node:stream/consumers';
import type pg from 'pg';
import { withDatabases } from '../options/open-databases.ts';
import { promptForStatements } from '../sql/prompt.ts';
import { describeSqlError, runStatement } from '../sql/run-statement.ts';
import { splitStatements } from '../sql/split-statements.ts';
import type { Terminal } from '../terminal/terminal.ts';
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
      return withInterrupt(client, (connected) => ask(connected, query, terminal));
    });
  },
};

/** Ctrl-C breaks a running statement off, and what was started for it is still let go of. */
async function withInterrupt(
  client: pg.Client,
  work: (client: pg.Client) => Promise<number>,
): Promise<number> {
  let isInterrupted = false;
  const interrupt = () => {
    isInterrupted = true;
    void client.end();
  };
  process.once('SIGINT', interrupt);
  try {
    return await work(client);
  } catch (error) {
    if (isInterrupted) return 130;
    throw error;
  } finally {
    process.off('SIGINT', interrupt);
    if (!isInterrupted) await client.end();
  }
}

async function ask(client: pg.Client, query: string | undefined, terminal: Terminal): Promise<number> {
  if (query === undefined && process.stdin.isTTY) {
    await promptForStatements(client, terminal, { input: process.stdin, output: process.stdout });
    return 0;
  }
  const { statements, rest } = splitStatements(query ?? (await readText(process.stdin)));
  for (const statement of [...statements, rest]) {
    try {
      await runStatement(client, statement, terminal);
    } catch (error) {
      throw new Error(describeSqlError(error), { cause: error });
    }
  }
  return 0;
}
