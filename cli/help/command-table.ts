import type { CommandDescription } from './command-description.ts';
import { loadingCommands } from './loading-commands.ts';
import { lookingCommands } from './looking-commands.ts';
import { mendingCommands } from './mending-commands.ts';
import { stageCommands } from './stage-commands.ts';

export const exitCodes = {
  0: 'checked, and all is well',
  1: 'something needs attention, or could not be checked',
  2: 'wrong usage or configuration',
} as const;

/** In the order in which help lists them. */
const withoutHelp = { ...loadingCommands, ...mendingCommands, ...lookingCommands, ...stageCommands };

export type CommandName = keyof typeof withoutHelp | 'help';

export const commandTable: Readonly<Record<CommandName, CommandDescription>> = {
  ...withoutHelp,
  help: {
    summary: 'Shows the commands, or how to use one of them.',
    options: {},
    forms: [{ operand: { value: 'COMMAND', choices: Object.keys(withoutHelp) }, options: [] }],
    examples: [['starlift help sql', 'the same as starlift sql --help']],
    exitCodes: { 0: 'shown', 1: 'it could not be shown' },
  },
};

export const commandNames = Object.keys(commandTable) as CommandName[];

export const isCommandName = (name: string): name is CommandName => Object.hasOwn(commandTable, name);
