import { parseCommand } from './parse-command.ts';
import { makeTerminal } from './terminal/terminal.ts';

/**
 * Runs one command.
 *
 * @returns the exit code: 0 all is well, 1 something needs attention, 2 wrong usage or configuration
 */
export async function main(argv: readonly string[]): Promise<number> {
  const terminal = makeTerminal(process.stdout, process.stderr, argv.includes('--json'), process.env);
  try {
    const command = await parseCommand(argv);
    return await command(terminal);
  } catch (error) {
    terminal.error(error instanceof Error ? error.message : String(error));
    if (process.env.STARLIFT_DEBUG && error instanceof Error) terminal.info(error.stack ?? '');
    const { exitCode } = error as { exitCode?: unknown };
    return typeof exitCode === 'number' ? exitCode : 1;
  }
}
