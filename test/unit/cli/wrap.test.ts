import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { wrapLine, wrapText } from '../../../cli/terminal/wrap.ts';

const words = fc.array(fc.stringMatching(/^[a-zé,.()-]{1,14}$/), { minLength: 1, maxLength: 40 });

describe('a line that does not fit', () => {
  it('is broken so that no line is too long and no word is lost', () => {
    fc.assert(
      fc.property(
        words,
        fc.integer({ min: 20, max: 100 }),
        fc.integer({ min: 0, max: 4 }),
        (all, columns, indent) => {
          const lines = wrapLine(' '.repeat(indent) + all.join(' '), columns);
          expect(lines.filter((line) => line.length > columns)).toEqual([]);
          expect(lines.flatMap((line) => line.trim().split(' '))).toEqual(all);
          expect(lines.every((line) => line.startsWith(' '.repeat(indent)))).toBe(true);
        },
      ),
    );
  });

  it('is not broken earlier than it has to be', () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 20, max: 100 }), (all, columns) => {
        const lines = wrapLine(all.join(' '), columns);
        for (const [index, line] of lines.slice(0, -1).entries()) {
          const [next = ''] = (lines[index + 1] ?? '').split(' ');
          expect(line.length + 1 + next.length).toBeGreaterThan(columns);
        }
      }),
    );
  });

  it('keeps its colours out of the count', () => {
    const line = `\u001b[31m!\u001b[39m ${'word '.repeat(15)}end`;
    expect(wrapLine(line, 81)).toEqual([line]);
    expect(wrapLine(line, 79)).toHaveLength(2);
  });

  it('keeps a command whole, so that it runs as copied', () => {
    const command = "npx starlift replay --table fact_payment --zone ingested --data '/srv/my data'";
    expect(wrapLine(`Rows are missing from the table: ${command}`, 60)).toEqual([
      'Rows are missing from the table:',
      command,
    ]);
    expect(wrapLine(`When it is mended, ${command} would bring the rows back into the table`, 80)).toEqual([
      'When it is mended,',
      `${command}`,
      'would bring the rows back into the table',
    ]);
    expect(wrapLine('Release them one by one: npx starlift quarantine release --table payment', 60)).toEqual([
      'Release them one by one:',
      'npx starlift quarantine release --table payment',
    ]);
  });

  it.each([
    `npx starlift sql --source "select * from pg_stat_activity where state <> 'idle'" --data d`,
    'npx starlift rebuild dim_staff fact_payment fact_sales_order --data /srv/a-long-name',
    'npx starlift resync --table public.staff --data /srv/a-long-name-of-a-folder',
  ])('keeps %s whole', (command) => {
    expect(wrapLine(`    ${command}`, 50)).toEqual([`    ${command}`]);
    expect(wrapLine(`It is wrong, so type this: ${command}`, 60)).toEqual([
      'It is wrong, so type this:',
      command,
    ]);
  });

  it('leaves one that fits as it is, and takes each line of a text by itself', () => {
    expect(wrapText('a  b\n  c d', 5)).toEqual(['a  b', '  c d']);
    expect(wrapText('aaa bbb\n  ccc ddd', 6)).toEqual(['aaa', 'bbb', '  ccc', '  ddd']);
  });
});
