import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { makeTerminal } from '../../../cli/terminal/terminal.ts';

const red = '\u001b[31mx\u001b[39m';

function stylesOf(environment: Record<string, string>, isTTY: boolean): string {
  const stdout = Object.assign(new PassThrough(), { isTTY });
  return makeTerminal(stdout, new PassThrough(), false, environment).style('red', 'x');
}

describe('colours', () => {
  it.each([
    ['on a terminal', {}, true, red],
    ['not in a pipe', {}, false, 'x'],
    ['not on a dumb terminal', { TERM: 'dumb' }, true, 'x'],
    ['not with NO_COLOR', { NO_COLOR: '1' }, true, 'x'],
    ['with an empty NO_COLOR as without it', { NO_COLOR: '' }, true, red],
    ['in a pipe with FORCE_COLOR', { FORCE_COLOR: '1' }, false, red],
    ['with both, as FORCE_COLOR is the stronger', { FORCE_COLOR: '1', NO_COLOR: '1' }, false, red],
    ['not with FORCE_COLOR=0', { FORCE_COLOR: '0' }, true, 'x'],
  ])('are there %s', (_, environment, isTTY, expected) => {
    expect(stylesOf(environment, isTTY)).toBe(expected);
  });
});

describe('a line that is wider than the terminal', () => {
  const sentence = 'This sentence is far too long for a terminal that is only forty columns wide.';

  function linesOf(isTTY: boolean, write: (terminal: ReturnType<typeof makeTerminal>) => void): string[] {
    const output = Object.assign(new PassThrough(), { isTTY, columns: 40, rows: 20 });
    write(makeTerminal(output, output, false, {}));
    return String(output.read()).split('\n').slice(0, -1);
  }

  it('is broken at words on a terminal, in messages as in errors', () => {
    const shown = linesOf(true, (terminal) => terminal.info(sentence));
    expect(shown).toEqual([
      'This sentence is far too long for a',
      'terminal that is only forty columns',
      'wide.',
    ]);
    const refused = linesOf(true, (terminal) => terminal.error(sentence));
    expect(refused.every((line) => line.length <= 40)).toBe(true);
    expect(refused.join(' ')).toBe(`starlift: ${sentence}`);
  });

  it('stays one line in a pipe, and where it is a table or data', () => {
    expect(linesOf(false, (terminal) => terminal.info(sentence))).toEqual([sentence]);
    expect(linesOf(true, (terminal) => terminal.verbatim(sentence))).toEqual([sentence]);
    expect(linesOf(true, (terminal) => terminal.result(sentence))).toEqual([sentence]);
  });
});
