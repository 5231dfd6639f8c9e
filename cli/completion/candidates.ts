import type { CommandDescription, CommandForm } from '../help/command-description.ts';
import { commandNames, commandTable, isCommandName } from '../help/command-table.ts';

/** What may stand at a place of the command line. */
export interface Candidate {
  word: string;
  summary: string;
}

/** Words to choose from, or the names of folders, which the shell knows. */
export type Candidates = readonly Candidate[] | 'folders';

/**
 * What may stand where the cursor is. Every word that it offers is one that the parser takes there.
 *
 * @param before the words between `starlift` and the cursor's; bash cuts `--zone=ingested` into three
 * @param current the beginning of the word under the cursor
 * @param tables the names that --table takes
 */
export function findCandidates(
  before: readonly string[],
  current: string,
  tables: readonly string[],
): Candidates {
  const words = before.filter((word) => word !== '=');
  const begun = current === '=' ? '' : current;
  const [name, ...rest] = words;
  if (name === undefined) return startingWith(begun, commandsAndFlags);
  if (!isCommandName(name)) return [];
  const command = commandTable[name];
  const awaiting = optionAwaitingValue(rest, command);
  if (awaiting !== undefined) return completeValue(command, awaiting, begun, '', tables);
  const [, inline, value] = /^--([\w-]+)=(.*)$/s.exec(begun) ?? [];
  if (inline !== undefined && value !== undefined) {
    return completeValue(command, inline, value, `--${inline}=`, tables);
  }
  const given = optionsIn(rest, command);
  const positionals = positionalsIn(rest, command);
  const forms = command.forms.filter((form) => isFormOf(form, positionals));
  if (begun.startsWith('-')) return startingWith(begun, remainingOptions(command, forms, given));
  return startingWith(begun, nextWords(forms, positionals, tables));
}

const commandsAndFlags: readonly Candidate[] = [
  ...commandNames.map((word) => ({ word, summary: commandTable[word].summary })),
  { word: '--help', summary: 'Shows the commands.' },
  { word: '--version', summary: 'Shows the version.' },
];

const startingWith = (begun: string, candidates: readonly Candidate[]): Candidate[] =>
  candidates.filter(({ word }) => word.startsWith(begun) && (begun !== '' || !word.startsWith('--')));

/** The option that the last word is, where its value has yet to come. */
function optionAwaitingValue(words: readonly string[], command: CommandDescription): string | undefined {
  const last = words.at(-1) ?? '';
  const name = last.slice(2);
  return last.startsWith('--') && command.options[name]?.type === 'string' ? name : undefined;
}

function completeValue(
  command: CommandDescription,
  option: string,
  begun: string,
  prefix: string,
  tables: readonly string[],
): Candidates {
  const { choices = [], names } = command.options[option] ?? {};
  if (names === 'folder') return 'folders';
  const values = names === 'table' ? tables : choices;
  return values
    .filter((value) => value.startsWith(begun))
    .map((value) => ({ word: prefix + value, summary: '' }));
}

const optionsIn = (words: readonly string[], command: CommandDescription): Set<string> =>
  new Set(
    words.flatMap((word) => {
      const [, name = ''] = /^--([\w-]+)/.exec(word) ?? [];
      return command.options[name] === undefined ? [] : [name];
    }),
  );

const positionalsIn = (words: readonly string[], command: CommandDescription): string[] =>
  words.filter(
    (word, index) =>
      !word.startsWith('-') && optionAwaitingValue(words.slice(0, index), command) === undefined,
  );

function isFormOf({ words = [], operand }: CommandForm, positionals: readonly string[]): boolean {
  const most = words.length + (operand === undefined ? 0 : operand.value.split(' ').length);
  return positionals.length <= most && positionals.every((word, index) => (words[index] ?? word) === word);
}

function remainingOptions(
  command: CommandDescription,
  forms: readonly CommandForm[],
  given: ReadonlySet<string>,
): Candidate[] {
  const possible = forms.filter((form) => [...given].every((name) => optionsOf(form).includes(name)));
  const names = new Set(possible.flatMap(optionsOf));
  // A stage has databases and data of its own.
  const excluded = given.has('stage')
    ? ['data', 'source', 'warehouse'].filter((name) => command.options[name]?.type === 'string')
    : ['data', 'source', 'warehouse'].some((name) => given.has(name) && isOfOneMachine(command, name))
      ? ['stage', 'region', 'via', 'via-source']
      : [];
  const rest = [...names].filter((name) => !given.has(name) && !excluded.includes(name));
  return [
    ...rest.map((name) => ({ word: `--${name}`, summary: command.options[name]?.summary ?? '' })),
    ...(given.size === 0 ? [{ word: '--help', summary: 'Shows how to use the command.' }] : []),
  ];
}

const isOfOneMachine = (command: CommandDescription, name: string): boolean =>
  command.options[name]?.type === 'string';

const optionsOf = ({ required = [], options }: CommandForm): readonly string[] => [...required, ...options];

function nextWords(
  forms: readonly CommandForm[],
  positionals: readonly string[],
  tables: readonly string[],
): Candidate[] {
  const words = forms.flatMap(({ words: fixed = [], operand }) => {
    const next = fixed[positionals.length];
    if (next !== undefined) return [next];
    return fixed.length === positionals.length
      ? (operand?.choices ?? (operand?.names === 'table' ? tables : []))
      : [];
  });
  return [...new Set(words)].map((word) => ({
    word,
    summary: isCommandName(word) && forms[0]?.operand !== undefined ? commandTable[word].summary : '',
  }));
}
