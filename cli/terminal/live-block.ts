/** A block of lines at the bottom of a terminal that is drawn over itself. */
export interface LiveBlock {
  /** The control sequences and lines that replace what was drawn last; empty where nothing changes. */
  draw(lines: readonly string[]): string;
  /** Takes the block away, so that a line may be written in its place. */
  clear(): string;
  /** Draws the block again as it was before clear(). */
  restore(): string;
}

export interface Screen {
  columns: number;
  rows: number;
}

const clearToLineEnd = '\x1b[K';
const clearToScreenEnd = '\x1b[J';

/**
 * Makes an empty block. What is drawn is written over, not wiped first: so it does not flicker.
 *
 * @param screenNow the terminal's size, which may change between two frames
 */
export function makeLiveBlock(screenNow: () => Screen): LiveBlock {
  let drawn: string[] = [];
  let kept: readonly string[] = [];

  // A terminal made narrower has broken the lines drawn before into several.
  const toTop = () => {
    const { columns } = screenNow();
    const height = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0);
    return height === 0 ? '' : `\x1b[${height}A\r`;
  };

  return {
    draw: (lines) => {
      kept = lines;
      const next = cutToFit(lines, screenNow());
      if (next.length === drawn.length && next.every((line, index) => line === drawn[index])) return '';
      const start = toTop();
      drawn = next;
      return `${start}${next.map((line) => `${line}${clearToLineEnd}\n`).join('')}${clearToScreenEnd}`;
    },
    clear: () => {
      const start = toTop();
      drawn = [];
      return start === '' ? '' : `${start}${clearToScreenEnd}`;
    },
    restore: () => {
      drawn = cutToFit(kept, screenNow());
      return drawn.map((line) => `${line}\n`).join('');
    },
  };
}

/** What fits: the last column is left free, and the last row for the cursor, or the terminal would scroll. */
const cutToFit = (lines: readonly string[], { columns, rows }: Screen): string[] =>
  lines.slice(-Math.max(1, rows - 1)).map((line) => line.slice(0, columns - 1));
