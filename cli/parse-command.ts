import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { CommandModule } from './commands/command-module.ts';
import type { CommandDescription } from './help/command-description.ts';
import { type CommandName, commandTable, isCommandName } from './help/command-table.ts';
import { printHelp, unknownCommand } from './help/print-help.ts';
import { didYouMean } from './help/suggest.ts';
import { readVersion } from './help/version.ts';
import type { Terminal } from './terminal/terminal.ts';
import { UsageError } from './terminal/usage-error.ts';

export type Command = (terminal: Terminal) => Promise<number>;

/** Loaded on demand: `status` does not wait for what only `run` needs. */
const modules: Record<Exclude<CommandName, 'help'>, () => Promise<{ command: CommandModule }>> = {
  run: () => import('./commands/run.ts'),
  status: () => import('./commands/status.ts'),
  console: () => import('./commands/console.ts'),
  init: () => import('./commands/init.ts'),
  check: () => import('./commands/check.ts'),
  failures: () => import('./commands/failures.ts'),
  redrive: () => import('./commands/redrive.ts'),
  replay: () => import('./commands/replay.ts'),
  rebuild: () => import('./commands/rebuild.ts'),
  migrate: () => import('./commands/migrate.ts'),
  publish: () => import('./commands/publish.ts'),
  resync: () => import('./commands/resync.ts'),
  rebind: () => import('./commands/rebind.ts'),
  quarantine: () => import('./commands/quarantine.ts'),
  waiting: () => import('./commands/waiting.ts'),
  deletes: () => import('./commands/deletes.ts'),
  expire: () => import('./commands/expire.ts'),
  forget: () => import('./commands/forget.ts'),
  verify: () => import('./commands/verify.ts'),
  trace: () => import('./commands/trace.ts'),
  objects: () => import('./commands/objects.ts'),
  cat: () => import('./commands/cat.ts'),
  runs: () => import('./commands/runs.ts'),
  secrets: () => import('./commands/secrets.ts'),
  deploy: () => import('./commands/deploy.ts'),
  remove: () => import('./commands/remove.ts'),
  package: () => import('./commands/package.ts'),
  pause: () => import('./commands/pause.ts'),
  resume: () => import('./commands/resume.ts'),
  schema: () => import('./commands/schema.ts'),
  sample: () => import('./commands/sample.ts'),
  sql: () => import('./commands/sql.ts'),
  completion: () => import('./completion/completion.ts'),
};

/** @throws {UsageError} an unknown command, an unknown option, or a value where none or one is due */
export async function parseCommand(argv: readonly string[]): Promise<Command> {
  const [name = '--help', ...rest] = argv;
  if (name === '--help' || name === '-h') return async (terminal) => printHelp([], terminal);
  if (name === '--version') {
    return async (terminal) => {
      terminal.result(`starlift ${readVersion()}`);
      return 0;
    };
  }
  if (!isCommandName(name)) throw unknownCommand(name);
  // Behind `--` stand the words of a query, or of the command line that is to be completed.
  const options = rest.slice(0, rest.includes('--') ? rest.indexOf('--') : rest.length);
  if (options.includes('--help') || options.includes('-h')) {
    return async (terminal) => printHelp([name], terminal);
  }
  const { values, positionals } = parseOptions(name, rest);
  if (name === 'help') return async (terminal) => printHelp(positionals, terminal);
  const { command } = await modules[name]();
  return (terminal) => command.run(values, positionals, terminal);
}

/**
 * Reads the words behind a command's name by the table of commands.
 *
 * @throws {UsageError} names the first word that the command does not take
 */
export function parseOptions(name: CommandName, args: readonly string[]) {
  const description: CommandDescription = commandTable[name];
  // Not strict: Node's messages know of no other spelling, and go on with advice.
  const parsed = parseArgs({
    args: [...args],
    options: parserOptions(description),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const usage = `(starlift help ${name} shows its usage)`;
  const takesWords = description.forms.some(({ words, operand }) => words !== undefined || operand);
  for (const token of parsed.tokens) {
    if (token.kind === 'positional' && !takesWords) {
      throw new UsageError(`Unexpected argument '${token.value}' ${usage}`);
    }
    if (token.kind === 'option') assertOption(token, description, usage);
  }
  return {
    values: parsed.values as Record<string, string | boolean | undefined>,
    positionals: parsed.positionals,
  };
}

function parserOptions({ options }: CommandDescription): NonNullable<ParseArgsConfig['options']> {
  return Object.fromEntries(
    Object.entries(options).map(([option, { type, default: given }]) => [
      option,
      given === undefined ? { type } : { type, default: given },
    ]),
  );
}

interface OptionToken {
  name: string;
  rawName: string;
  value: string | undefined;
  inlineValue: boolean | undefined;
}

function assertOption(
  { name, rawName, value, inlineValue }: OptionToken,
  { options }: CommandDescription,
  usage: string,
): void {
  const option = Object.hasOwn(options, name) ? options[name] : undefined;
  if (option === undefined || !rawName.startsWith('--')) {
    throw new UsageError(
      `Unknown option '${rawName}'${didYouMean(name, Object.keys(options), '--')} ${usage}`,
    );
  }
  if (option.type === 'boolean' && value !== undefined) {
    throw new UsageError(`Option '${rawName}' takes no value ${usage}`);
  }
  if (option.type === 'boolean') return;
  const needsValue = value === undefined || (inlineValue !== true && /^-./.test(value));
  if (needsValue) {
    const instead = value === undefined ? '' : `, and ${value} is taken for an option`;
    throw new UsageError(`Option '${rawName}' needs a value${instead} ${usage}`);
  }
}
