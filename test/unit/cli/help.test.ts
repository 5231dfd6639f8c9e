import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { commandNames, commandTable } from '../../../cli/help/command-table.ts';
import { suggest } from '../../../cli/help/suggest.ts';
import { parseCommand, parseOptions } from '../../../cli/parse-command.ts';
import { makeTerminal } from '../../../cli/terminal/terminal.ts';

async function outputOf(...argv: string[]): Promise<string> {
  const stdout = new PassThrough();
  const code = await (await parseCommand(argv))(makeTerminal(stdout, new PassThrough(), false));
  expect(code).toBe(0);
  return String(stdout.read());
}

describe('help', () => {
  it.each([[[]], ...commandNames.map((name) => [[name]])])('of %j fits 80 columns', async (names) => {
    const lines = (await outputOf('help', ...names)).split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  it.each(commandNames)('of %s has no paragraph that ends within a sentence', (name) => {
    const { summary, details = [] } = commandTable[name];
    expect([summary, ...details].filter((paragraph) => !/[.:)]$/.test(paragraph))).toEqual([]);
  });

  it('lists every command', async () => {
    const overview = await outputOf('--help');
    for (const name of commandNames) expect(overview).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(await outputOf('help')).toBe(overview);
    expect(await outputOf()).toBe(overview);
  });

  it.each(commandNames)(
    'of %s shows usage, every option, its default, examples and exit codes',
    async (name) => {
      const help = await outputOf('help', name);
      expect(help).toMatch(new RegExp(`^Usage: starlift ${name}\\b`));
      for (const [option, { default: given }] of Object.entries(commandTable[name].options)) {
        expect(help).toMatch(new RegExp(`^  --${option}\\b`, 'm'));
        if (typeof given === 'string') expect(help.replace(/\s+/g, ' ')).toContain(`default: ${given})`);
      }
      expect(help).toMatch(/^Examples:\n {2}/m);
      expect(help).toMatch(
        /^Exit codes:\n {2}0 {2}\S.*\n(?: {5}.*\n)* {2}1 {2}\S.*\n(?: {5}.*\n)* {2}2 {2}\S/m,
      );
      expect(await outputOf(name, '--help')).toBe(help);
      expect(await outputOf(name, '-h')).toBe(help);
    },
  );

  it.each(commandNames.flatMap((name) => commandTable[name].examples.map(([example]) => [example])))(
    'has an example that the parser takes: %s',
    (example) => {
      const [, words = ''] = /\bstarlift ((?:[^<|)]|'[^']*')*)/.exec(example) ?? [];
      const [name = '', ...rest] = (words.match(/'[^']*'|\S+/g) ?? []).map((word) =>
        word.replaceAll("'", ''),
      );
      expect(commandNames).toContain(name);
      expect(() => parseOptions(name as (typeof commandNames)[number], rest)).not.toThrow();
    },
  );

  it('of no command names the nearest one', async () => {
    const command = await parseCommand(['help', 'stauts']);
    const terminal = makeTerminal(new PassThrough(), new PassThrough(), false);
    await expect(command(terminal)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/^unknown command stauts; did you mean status\?/),
    });
  });
});

it('starlift --version is the version of the package', async () => {
  const file = new URL('../../../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  expect(await outputOf('--version')).toBe(`starlift ${version}\n`);
});

describe('a name that is nearly right', () => {
  it.each([
    ['stauts', 'status'],
    ['verfy', 'verify'],
    ['runn', 'run'],
    ['quarentine', 'quarantine'],
    ['fail', 'failures'],
    ['Status', 'status'],
    ['wait', 'waiting'],
  ])('%s is taken for %s', (typed, meant) => {
    expect(suggest(typed, commandNames)).toBe(meant);
  });

  it.each(['x', 'frobnicate', 'load', ''])('%s is taken for nothing', (typed) => {
    expect(suggest(typed, commandNames)).toBeUndefined();
  });
});

describe('a wrong option', () => {
  it.each([
    [['status', '--dtaa', 'x'], /^Unknown option '--dtaa'; did you mean --data\? \(starlift help status/],
    [['status', '--nothing-like-it'], /^Unknown option '--nothing-like-it' \(starlift help status/],
    [['status', '-d'], /^Unknown option '-d'/],
    [['status', '--json=yes'], /^Option '--json' takes no value/],
    [['status', '--data'], /^Option '--data' needs a value \(/],
    [['status', '--data', '--json'], /^Option '--data' needs a value, and --json is taken for an option/],
    [['status', 'now'], /^Unexpected argument 'now' \(starlift help status/],
    [['status', '--toString', 'x'], /^Unknown option '--toString'/],
  ])('%j is refused by name', async (argv, message) => {
    await expect(parseCommand(argv)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(message),
    });
  });
});
