import { parseArgs } from 'node:util';
import type { CommandModule } from './commands/command-module.ts';
import type { Terminal } from './terminal/terminal.ts';
import { UsageError } from './terminal/usage-error.ts';

export type Command = (terminal: Terminal) => Promise<number>;

/** Loaded on demand: `status` does not wait for what only `run` needs. */
const commands: Record<string, () => Promise<{ command: CommandModule }>> = {
  run: () => import('./commands/run.ts'),
  status: () => import('./commands/status.ts'),
  failures: () => import('./commands/failures.ts'),
  redrive: () => import('./commands/redrive.ts'),
  replay: () => import('./commands/replay.ts'),
  quarantine: () => import('./commands/quarantine.ts'),
  waiting: () => import('./commands/waiting.ts'),
  verify: () => import('./commands/verify.ts'),
  secrets: () => import('./commands/secrets.ts'),
  schema: () => import('./commands/schema.ts'),
  sample: () => import('./commands/sample.ts'),
  sql: () => import('./commands/sql.ts'),
};

/** @throws {UsageError} an unknown command, an unknown option, or a value where none or one is due */
export async function parseCommand(argv: readonly string[]): Promise<Command> {
  const [name = '--help', ...rest] = argv;
  if (name === '--help' || name === '-h' || name === 'help') return printHelp;
  const load = commands[name];
  if (load === undefined) {
    throw new UsageError(`unknown command ${name}; there are ${Object.keys(commands).join(', ')}`);
  }
  const { command } = await load();
  if (rest.includes('--help') || rest.includes('-h'))
    return async (terminal) => printUsage(command, terminal);
  const { values, positionals } = parseOptions(command, rest);
  return (terminal) => command.run(values, positionals, terminal);
}

function parseOptions(command: CommandModule, args: string[]) {
  const { options, allowPositionals = false } = command;
  try {
    const parsed = parseArgs({ args, options, allowPositionals, strict: true });
    return {
      values: parsed.values as Record<string, string | boolean | undefined>,
      positionals: parsed.positionals,
    };
  } catch (error) {
    // Node's message goes on with advice after its first sentence.
    const [sentence] = (error as Error).message.split('. ');
    throw new UsageError(`${sentence} (usage: ${command.usage})`);
  }
}

async function printHelp(terminal: Terminal): Promise<number> {
  terminal.result(
    'Starlift takes every change out of a Postgres database and lands it in a star-schema warehouse.\n',
  );
  for (const load of Object.values(commands)) {
    const { command } = await load();
    terminal.result(`  ${command.usage.replaceAll('; ', '\n  ')}\n      ${command.summary}`);
  }
  return 0;
}

async function printUsage(command: CommandModule, terminal: Terminal): Promise<number> {
  terminal.result(`${command.usage.replaceAll('; ', '\n')}\n  ${command.summary}`);
  return 0;
}
