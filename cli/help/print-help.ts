import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { defaultColumns, wrapLine } from '../terminal/wrap.ts';
import type { CommandDescription, CommandForm, CommandOption } from './command-description.ts';
import { type CommandName, commandNames, commandTable, exitCodes, isCommandName } from './command-table.ts';
import { didYouMean } from './suggest.ts';

const wide = Math.max(...commandNames.map((name) => name.length)) + 4;

/** All commands, a line each. */
export function formatOverview(): string[] {
  return [
    ...wrapLine(
      'Starlift takes every change out of a Postgres database and lands it in a star-schema warehouse.',
      defaultColumns,
    ),
    '',
    'Usage: starlift COMMAND [OPTIONS]',
    '',
    'Commands:',
    ...commandNames.flatMap((name) => formatEntry(name, commandTable[name].summary, wide)),
    '',
    'starlift help COMMAND shows its options, with examples.',
    'starlift --version shows the version.',
    '',
    ...formatExitCodes(exitCodes),
  ];
}

/** How to use one command: usage, options with their defaults, examples, exit codes. */
export function formatHelp(name: CommandName): string[] {
  const description = commandTable[name];
  // A command's own options first, as its usage has them.
  const named = new Set(
    description.forms.flatMap(({ required = [], options: optional }) => [...required, ...optional]),
  );
  const options = [...named].flatMap((option) => {
    const each = description.options[option];
    return each === undefined ? [] : [[option, each] as const];
  });
  const left = Math.max(...options.map(([option, { value }]) => optionText(option, value).length), 0) + 4;
  return [
    ...formatUsage(name, description),
    '',
    ...[description.summary, ...(description.details ?? [])].flatMap((text) => [
      ...wrapLine(text, defaultColumns),
      '',
    ]),
    ...(options.length === 0 ? [] : ['Options:']),
    ...options.flatMap(([option, each]) =>
      formatEntry(optionText(option, each.value), describeOption(each), left),
    ),
    ...(options.length === 0 ? [] : ['']),
    'Examples:',
    ...description.examples.flatMap(([command, what]) => [
      ...formatExample(command),
      ...wrapLine(`      ${what}`, defaultColumns),
    ]),
    '',
    ...formatExitCodes({ ...exitCodes, ...description.exitCodes }),
  ];
}

export function printHelp(positionals: readonly string[], terminal: Terminal): number {
  const [name, surplus] = positionals;
  if (surplus !== undefined)
    throw new UsageError(`help takes one command: ${positionals.join(' ')} are more`);
  if (name !== undefined && !isCommandName(name)) throw unknownCommand(name);
  for (const line of name === undefined ? formatOverview() : formatHelp(name)) terminal.result(line);
  return 0;
}

export const unknownCommand = (name: string): UsageError =>
  new UsageError(
    `unknown command ${name}${didYouMean(name, commandNames)} (starlift help lists the commands)`,
  );

const optionText = (name: string, value: string | undefined): string =>
  `--${name}${value === undefined ? '' : ` ${value}`}`;

function describeOption({ summary, choices, default: given, defaultText }: CommandOption): string {
  const shown = defaultText ?? (typeof given === 'string' ? given : undefined);
  const notes = [
    ...(choices === undefined ? [] : [choices.join(' or ').replace(/ or (?=.* or )/g, ', ')]),
    ...(shown === undefined ? [] : [`default: ${shown}`]),
  ];
  return notes.length === 0 ? summary : `${summary} (${notes.join('; ')})`;
}

function formatEntry(name: string, text: string, left: number): string[] {
  const [first = '', ...rest] = wrapLine(text, defaultColumns - left);
  return [`  ${name}`.padEnd(left) + first, ...rest.map((line) => ' '.repeat(left) + line)];
}

function formatUsage(name: string, { options, forms }: CommandDescription): string[] {
  return forms.flatMap((form, index) => {
    const start = `${index === 0 ? 'Usage: ' : '       '}starlift ${name}`;
    // A group in brackets is not broken where that can be helped.
    const lines = [start];
    for (const part of usageParts(form, options)) {
      const last = lines.at(-1) ?? '';
      if (last.length + 1 + part.length <= defaultColumns) lines[lines.length - 1] = `${last} ${part}`;
      else lines.push(`           ${part}`);
    }
    return lines;
  });
}

function usageParts(
  { words = [], operand, required = [], options: optional }: CommandForm,
  options: CommandDescription['options'],
): string[] {
  const text = (name: string) => optionText(name, options[name]?.value);
  const isEither = optional.includes('data') && optional.includes('stage');
  const parts = optional.flatMap((name) => {
    if (isEither && name === 'data') return [`[${text('data')} | ${text('stage')} [${text('region')}]]`];
    return isEither && (name === 'stage' || name === 'region') ? [] : [`[${text(name)}]`];
  });
  return [
    ...words,
    ...(operand === undefined ? [] : [`[${operand.value}]`]),
    ...required.map(text),
    ...parts,
  ];
}

/** As a shell takes it: what does not fit goes on behind a backslash. */
function formatExample(command: string): string[] {
  const lines: string[] = [];
  let current = ' ';
  for (const word of command.split(/ (?=--)/)) {
    if (`${current} ${word} \\`.length > defaultColumns && current.trim() !== '') {
      lines.push(`${current} \\`);
      current = '     ';
    }
    current += ` ${word}`;
  }
  return [...lines, current];
}

const formatExitCodes = (codes: Readonly<Record<0 | 1 | 2, string>>): string[] => [
  'Exit codes:',
  ...([0, 1, 2] as const).flatMap((code) => formatEntry(String(code), codes[code], 5)),
];
