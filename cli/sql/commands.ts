import { UsageError } from '../terminal/usage-error.ts';
import { describeRelations, listRelations } from './describe-relations.ts';
import { type Expanded, printResult, type SqlConsole } from './print-result.ts';

/** psql's commands that work here, for \? to show. */
const known: readonly (readonly [command: string, what: string])[] = [
  ['\\d', 'lists tables, views and sequences'],
  ['\\d NAME', 'describes a table; * and ? stand for any letters and one'],
  ['\\dt [NAME]', 'lists tables'],
  ['\\x [on|off|auto]', 'shows rows on their side; auto, the default: where they are too wide'],
  ['\\q', 'ends, as Ctrl-D does'],
  ['\\?', 'shows this'],
];

/**
 * Answers one statement, or one command that begins with a backslash.
 *
 * @returns 'end' for \q
 * @throws {Error} what the server says against it
 */
export async function answer(text: string, console: SqlConsole): Promise<'end' | undefined> {
  const { session, terminal } = console;
  if (!text.startsWith('\\')) {
    printResult(await session.run(text), console.expanded, terminal);
    return undefined;
  }
  const [, name = '', argument = ''] = /^\\(\S*)\s*([^;]*?)\s*;?\s*$/.exec(text) ?? [];
  const pattern = argument === '' ? undefined : argument;
  switch (name) {
    case 'q':
      return 'end';
    case '?':
      for (const [command, what] of known) terminal.info(`  ${command.padEnd(18)}${what}`);
      return undefined;
    case 'x':
      console.expanded = chooseExpanded(argument, console.expanded);
      terminal.info(`Expanded display is ${console.expanded}.`);
      return undefined;
    case 'dt':
      return await listRelations(console, ['r', 'p'], pattern);
    case 'd':
      if (pattern !== undefined) return await describeRelations(console, pattern);
      return await listRelations(console, ['r', 'p', 'v', 'm', 'S', 'f'], undefined);
    default:
      throw new UsageError(`there is no command \\${name}: \\? shows those that there are`);
  }
}

function chooseExpanded(argument: string, current: Expanded): Expanded {
  if (argument === '') return current === 'on' ? 'auto' : 'on';
  const chosen = (['on', 'off', 'auto'] as const).find((each) => each === argument);
  if (chosen === undefined) throw new UsageError(`\\x takes on, off or auto, not ${argument}`);
  return chosen;
}
