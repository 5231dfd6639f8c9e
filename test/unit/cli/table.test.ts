import { describe, expect, it } from '@jest/globals';
import { formatTable } from '../../../cli/terminal/table.ts';

describe('a table in the terminal', () => {
  // As psql 15 prints it.
  it('looks as in psql', () => {
    const lines = formatTable(
      [{ name: 'id', align: 'right' }, { name: 'first_name' }],
      [
        ['1', 'Anna'],
        ['-25', null],
      ],
    );
    expect(lines).toEqual([' id  | first_name ', '-----+------------', '   1 | Anna', ' -25 | ']);
  });

  it('keeps its head when there are no rows', () => {
    expect(formatTable([{ name: 'n', align: 'right' }], [])).toEqual([' n ', '---']);
  });

  // As psql 15 prints it.
  it('shows a cell of several lines over several lines', () => {
    expect(formatTable([{ name: 'note' }, { name: 'n', align: 'right' }], [['one\ntwo', '7']])).toEqual([
      ' note | n ',
      '------+---',
      ' one +| 7',
      ' two  | ',
    ]);
  });

  it('shows control characters and sends none to the terminal', () => {
    const [, , row] = formatTable([{ name: 'text' }], [['\x1b[31mred\r\u009b\x00\t']]);
    expect(row).toBe(' \\x1B[31mred\\r\\x9B\\x00\\t');
  });

  it('aligns what a terminal draws two places wide', () => {
    const lines = formatTable(
      [{ name: 'name' }, { name: 'n' }],
      [
        ['日本', '1'],
        ['👩‍👩‍👧', '2'],
        ['é', '3'],
      ],
    );
    expect(lines.slice(2)).toEqual([' 日本 | 1', ' 👩‍👩‍👧   | 2', ' é    | 3']);
  });
});
