import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parse } from 'yaml';
import { addElement, addInBraces, addKey, formatKey } from '../../../cli/project/init/extend-yaml.ts';

describe('a key that is added', () => {
  it.each<[what: string, text: string, path: string[], expected: string | undefined]>([
    ['to the last of its map', 'a:\n  b: 1\n', ['a'], 'a:\n  b: 1\n  new: 2\n'],
    ['to a map in the middle', 'a:\n  b: 1\nc: 3\n', ['a'], 'a:\n  b: 1\n  new: 2\nc: 3\n'],
    ['to the whole file', 'a:\n  b: 1\n', [], 'a:\n  b: 1\nnew: 2\n'],
    [
      'behind a comment of the last key',
      'a:\n  b: 1 # one\nc: 3\n',
      ['a'],
      'a:\n  b: 1 # one\n  new: 2\nc: 3\n',
    ],
    ['behind a key without a value', 'a:\n  b:\nc: 3\n', ['a'], 'a:\n  b:\n  new: 2\nc: 3\n'],
    ['at the indent of the map', 'a:\n      b:\n', ['a'], 'a:\n      b:\n      new: 2\n'],
    ['to a file without a last line end', 'a:\n  b: 1', ['a'], 'a:\n  b: 1\n  new: 2\n'],
    ['with the maps that are missing', 'a: 1\n', ['x', 'z'], 'a: 1\nx:\n  z:\n    new: 2\n'],
    [
      'behind a text of several lines',
      'a:\n  b: |\n    1\n    2\nc: 3\n',
      ['a'],
      'a:\n  b: |\n    1\n    2\n  new: 2\nc: 3\n',
    ],
    [
      'behind a map in braces over lines',
      'a:\n  b: { c: 1,\n    d: 2 }\n',
      ['a'],
      'a:\n  b: { c: 1,\n    d: 2 }\n  new: 2\n',
    ],
    [
      'to a file with line ends of Windows',
      'a:\r\n  b: 1\r\nc: 3\r\n',
      ['a'],
      'a:\r\n  b: 1\r\n  new: 2\r\nc: 3\r\n',
    ],
    ['to a file of comments', '# nothing yet\n', ['a'], '# nothing yet\na:\n  new: 2\n'],
    ['to an empty file', '', [], 'new: 2\n'],
    ['not to a map in braces', 'a: { b: 1 }\n', ['a'], undefined],
    ['not to a value', 'a: 1\n', ['a'], undefined],
  ])('%s', (_, text, path, expected) => {
    expect(addKey(text, path, ['new: 2'])).toBe(expected);
  });
});

describe('a key that is added in braces', () => {
  it.each<[what: string, text: string, expected: string | undefined]>([
    ['behind the last value', 'a: { b: 1, c: 2 } # d\n', 'a: { b: 1, c: 2, new: 2 } # d\n'],
    ['behind a value in quotes', 'a: {b: "1"}\n', 'a: {b: "1", new: 2}\n'],
    ['of an empty map', 'a: {}\n', 'a: { new: 2 }\n'],
    ['not of lines', 'a:\n  b: 1\n', undefined],
  ])('%s', (_, text, expected) => {
    expect(addInBraces(text, ['a'], 'new: 2')).toBe(expected);
  });
});

describe('an element that is added', () => {
  it.each<[what: string, text: string, expected: string | undefined]>([
    ['to a list of lines', 'a:\n  - x\nb: 1\n', 'a:\n  - x\n  - new\nb: 1\n'],
    ['to a list at the indent of its key', 'a:\n- x\nb: 1\n', 'a:\n- x\n- new\nb: 1\n'],
    ['to a list in brackets', 'a: [ x, y ] # z\n', 'a: [ x, y, new ] # z\n'],
    ['to an empty list', 'a: []\n', 'a: [new]\n'],
    ['not to a value', 'a: x\n', undefined],
  ])('%s', (_, text, expected) => {
    expect(addElement(text, ['a'], 'new')).toBe(expected);
  });
});

const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }).filter((text) => text.isWellFormed());

describe('any name', () => {
  it('is read again as it was, as a key and as an element', () => {
    fc.assert(
      fc.property(name, (text) => {
        expect(Object.keys(parse(`${formatKey(text)}: 1\n`) as object)).toEqual([text]);
        expect(parse(`- ${formatKey(text)}\n`)).toEqual([text]);
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});
