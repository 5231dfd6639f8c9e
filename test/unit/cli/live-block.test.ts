import { describe, expect, it } from '@jest/globals';
import { makeLiveBlock } from '../../../cli/terminal/live-block.ts';

const controlSequence = '\u001b';
const tokens = new RegExp(`${controlSequence}\\[(\\d*)([AJK])|[^]`, 'g');

/** A terminal as small as the test needs: what a person sees after the sequences that the block writes. */
function makeScreen(columns: number) {
  let rows: string[] = [''];
  let row = 0;
  let column = 0;
  const put = (text: string) => {
    for (const [token, count, command] of text.matchAll(tokens)) {
      if (command === 'A') row = Math.max(0, row - Number(count));
      else if (command === 'K') rows[row] = (rows[row] ?? '').slice(0, column);
      else if (command === 'J') rows = [...rows.slice(0, row), (rows[row] ?? '').slice(0, column)];
      else if (token === '\r') column = 0;
      else if (token === '\n') [row, column] = [row + 1, 0];
      else {
        const line = (rows[row] ?? '').padEnd(column);
        rows[row] = line.slice(0, column) + token + line.slice(column + 1);
        column += 1;
      }
    }
  };
  return { put, shown: () => rows.map((line) => line.trimEnd()).filter((line) => line !== ''), columns };
}

describe('a live block', () => {
  const drawOn = (screen: ReturnType<typeof makeScreen>, size = { columns: 40, rows: 10 }) => {
    const block = makeLiveBlock(() => size);
    return {
      draw: (...lines: string[]) => screen.put(block.draw(lines)),
      say: (line: string) => screen.put(`${block.clear()}${line}\n${block.restore()}`),
      block,
      size,
    };
  };

  it('is drawn over itself and leaves nothing of longer lines or a higher block', () => {
    const screen = makeScreen(40);
    const { draw } = drawOn(screen);
    draw('a long first line', 'two', 'three');
    draw('short', 'two');
    expect(screen.shown()).toEqual(['short', 'two']);
    draw();
    expect(screen.shown()).toEqual([]);
  });

  it('stays below the lines that are written meanwhile', () => {
    const screen = makeScreen(40);
    const { draw, say } = drawOn(screen);
    say('before');
    draw('one', 'two');
    say('between');
    draw('one', 'TWO');
    expect(screen.shown()).toEqual(['before', 'between', 'one', 'TWO']);
  });

  it('writes nothing when nothing has changed', () => {
    const { block } = drawOn(makeScreen(40));
    expect(block.draw(['one'])).not.toBe('');
    expect(block.draw(['one'])).toBe('');
    expect(block.draw([])).not.toBe('');
    expect(block.clear()).toBe('');
  });

  it('never reaches the last column or more rows than there are', () => {
    const screen = makeScreen(10);
    const { draw } = drawOn(screen, { columns: 10, rows: 3 });
    draw('1', '2', '3', '0123456789abc');
    expect(screen.shown()).toEqual(['3', '012345678']);
  });

  it('finds its first line again on a terminal that has become narrower', () => {
    const { block, size } = drawOn(makeScreen(40));
    block.draw(['012345678901234', 'two']);
    size.columns = 10;
    // 15 characters take two rows of 10 now.
    expect(block.draw(['x', 'y']).slice(0, 5)).toBe(`${controlSequence}[3A\r`);
  });
});
