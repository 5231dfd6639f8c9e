import { stripVTControlCharacters } from 'node:util';

export const defaultColumns = 80;

/**
 * Breaks one line of text at spaces so that it fits, each further line under the first one's indent.
 *
 * No word is broken: one that is longer than a line, such as a path, gets a line of its own. Nor is a command to be
 * typed: copied from two lines, it would run as two.
 *
 * @param hanging how much deeper the further lines stand
 */
export function wrapLine(line: string, columns: number, hanging = 0): string[] {
  if (lengthOf(line) <= columns) return [line];
  const [indent = ''] = /^ */.exec(line) ?? [];
  const deeper = indent + ' '.repeat(hanging);
  const lines: string[] = [];
  let current = '';
  for (const word of line.match(pieces) ?? []) {
    const start = lines.length === 0 ? indent : deeper;
    if (current === '') current = start + word;
    else if (lengthOf(current) + 1 + lengthOf(word) <= columns) current += ` ${word}`;
    else {
      lines.push(current);
      current = deeper + word;
    }
  }
  return [...lines, current];
}

/** Wraps each line of a text. */
export const wrapText = (text: string, columns: number, hanging = 0): string[] =>
  text.split('\n').flatMap((line) => wrapLine(line, columns, hanging));

// A command is its first word, further words where options follow, and these with their values, and what is quoted.
const pieces =
  /(?:npx starlift [a-z]+|npm start)(?:(?: [\w.]+)+(?= --))?(?: --[\w-]*(?:[ =](?:'[^']*'|"[^"]*"|[^\s'"-]\S*))?| '[^']*'| "[^"]*")*\S*|[^ ]+/g;

const lengthOf = (text: string): number => stripVTControlCharacters(text).length;
