export interface TableColumn {
  name: string;
  /** Numbers stand right. Left when left out. */
  align?: 'left' | 'right';
}

/**
 * A table in psql's look, as lines without line ends: names centred over a rule, cells aligned, a cell of
 * several lines marked by `+`. Control characters are shown, never sent to the terminal.
 *
 * @param rows one text a column; null is an empty cell, as in psql
 * @param maxWidth where the table would be wider, it is without the columns in which every count is 0
 * @example
 * formatTable([{ name: 'table' }, { name: 'rows', align: 'right' }], [['dim_date', '365']])
 * // '  table   | rows '
 * // '----------+------'
 * // ' dim_date |  365'
 */
export function formatTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly (string | null)[])[],
  maxWidth = Number.POSITIVE_INFINITY,
): string[] {
  const lines = formatWhole(columns, rows);
  if (widthOf(lines[0] ?? '') <= maxWidth) return lines;
  const kept = columns.map(
    ({ align }, index) => align !== 'right' || rows.some((row) => (row[index] ?? '0') !== '0'),
  );
  return formatWhole(
    columns.filter((_, index) => kept[index]),
    rows.map((row) => row.filter((_, index) => kept[index])),
  );
}

function formatWhole(
  columns: readonly TableColumn[],
  rows: readonly (readonly (string | null)[])[],
): string[] {
  const names = columns.map(({ name }) => escapeControls(name).replaceAll('\n', ' '));
  const cells = rows.map((row) => columns.map((_, index) => escapeControls(row[index] ?? '').split('\n')));
  const widths = names.map((name, index) => {
    const lines = cells.flatMap((row) => row[index] ?? []);
    return lines.reduce((width, line) => Math.max(width, widthOf(line)), widthOf(name));
  });
  const header = names.map((name, index) => ` ${centre(name, widths[index] ?? 0)} `).join('|');
  const rule = widths.map((width) => '-'.repeat(width + 2)).join('+');
  return [header, rule, ...cells.flatMap((row) => formatRow(row, columns, widths))];
}

function formatRow(row: string[][], columns: readonly TableColumn[], widths: number[]): string[] {
  const height = row.reduce((most, cell) => Math.max(most, cell.length), 1);
  return Array.from({ length: height }, (_, line) =>
    row
      .map((cell, index) => {
        const text = cell[line] ?? '';
        const gap = ' '.repeat((widths[index] ?? 0) - widthOf(text));
        const isRight = columns[index]?.align === 'right';
        const goesOn = line + 1 < cell.length;
        // psql leaves out the spaces at the end of a row.
        if (index === row.length - 1 && !goesOn) return ` ${isRight && line < cell.length ? gap : ''}${text}`;
        return ` ${isRight ? gap + text : text + gap}${goesOn ? '+' : ' '}`;
      })
      .join('|'),
  );
}

/** The odd space goes to the right, as psql has it. */
function centre(text: string, width: number): string {
  const gap = width - widthOf(text);
  return ' '.repeat(Math.floor(gap / 2)) + text + ' '.repeat(Math.ceil(gap / 2));
}

/** Shows what must not reach a terminal; line ends stay. */
export function escapeControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
  return text.replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, showControl);
}

function showControl(character: string): string {
  if (character === '\t') return '\\t';
  if (character === '\r') return '\\r';
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`;
}

// East Asian scripts, full-width forms and emoji take two places on a terminal.
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|\p{Script=Han}/u;

/** How many places a text takes on a terminal. */
export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  // Here, for to make one takes longer than most commands take to print.
  const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += wide.test(segment) ? 2 : 1;
  return width;
}
