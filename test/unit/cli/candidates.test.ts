import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { findCandidates } from '../../../cli/completion/candidates.ts';
import {
  type CommandName,
  commandNames,
  commandTable,
  isCommandName,
} from '../../../cli/help/command-table.ts';
import { parseOptions } from '../../../cli/parse-command.ts';

const tables = ['dim_date', 'fact_payment', 'payment'];
const wordsAt = (before: string[], current = '') => {
  const found = findCandidates(before, current, tables);
  return found === 'folders' ? found : found.map(({ word }) => word);
};

/** A command line that is made of nothing but what completion offers. */
const completedLine = fc.gen().map((choose) => {
  const words: string[] = [];
  for (let length = choose(fc.integer, { min: 1, max: 9 }); words.length < length; ) {
    const offered = [...[wordsAt(words)].flat(), ...[wordsAt(words, '--')].flat()].filter(
      (word) => word !== '--help' && word !== '--version',
    );
    if (offered.length === 0) break;
    const word = choose(fc.constantFrom, ...offered);
    words.push(word === 'folders' ? 'some/folder' : word);
  }
  return words;
});

describe('what completion offers', () => {
  it('is taken by the parser, whatever is chosen', () => {
    fc.assert(
      fc.property(completedLine, (words) => {
        const [name = '', ...rest] = words;
        expect(isCommandName(name)).toBe(true);
        const option = commandTable[name as CommandName].options[rest.at(-1)?.slice(2) ?? ''];
        const isUnfinished = rest.at(-1)?.startsWith('--') && option?.type === 'string';
        const finished = isUnfinished ? rest.slice(0, -1) : rest;
        expect(() => parseOptions(name as CommandName, finished)).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });

  it('has every option of every command', () => {
    for (const name of commandNames) {
      const { options, forms } = commandTable[name];
      const offered = forms.flatMap(({ words = [] }) => wordsAt([name, ...words], '--'));
      expect(new Set([...offered, '--help'])).toEqual(
        new Set([...Object.keys(options).map((option) => `--${option}`), '--help']),
      );
    }
  });

  it.each<[string[], string, string[] | 'folders']>([
    [[], 'st', ['status']],
    [[], 's', ['status', 'secrets', 'schema', 'sample', 'sql']],
    [[], '--v', ['--version']],
    [['help'], 'q', ['quarantine']],
    [['quarantine'], '', ['release', 'drop']],
    [['quarantine', 'drop'], '--k', ['--key']],
    [['quarantine', 'release'], '--k', []],
    [['quarantine', '--key', 'release'], '', ['release', 'drop']],
    [['secrets'], '', ['put']],
    [['secrets', 'put'], '', ['source', 'warehouse']],
    [['failures', '--queue'], '', ['extract', 'transform', 'load']],
    [['failures', '--queue'], 'l', ['load']],
    [['failures'], '--queue=l', ['--queue=load']],
    // Bash cuts words at an equals sign.
    [['failures', '--queue', '='], 'l', ['load']],
    [['failures', '--queue'], '=', ['extract', 'transform', 'load']],
    [['replay', '--table'], 'dim', ['dim_date']],
    [['status', '--data'], '', 'folders'],
    [['status', '--stage', 'dev'], '--d', []],
    [['status', '--data', 'd'], '--st', []],
    [['status', '--json'], '--j', []],
    [['completion'], 'z', ['zsh']],
    [['nothing'], '', []],
  ])('behind %j and %j is %j', (before, current, expected) => {
    expect(wordsAt(before, current)).toEqual(expected);
  });
});
