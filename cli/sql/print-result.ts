import { escapeControls, formatTable, widthOf } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { SqlSession, StatementResult } from './session.ts';

/** Rows on their side, one column a line: always, never, or where a table would not fit the terminal. */
export type Expanded = 'on' | 'off' | 'auto';

/** How a person's statements and commands are answered. */
export interface SqlConsole {
  session: SqlSession;
  terminal: Terminal;
  expanded: Expanded;
}

/** Prints a result as psql does; with --json as one line `{"columns":[…],"rows":[[…]],"rowCount":n}`. */
export function printResult(result: StatementResult, expanded: Expanded, terminal: Terminal): void {
  const { command, rowCount, fields, rows } = result;
  if (command === null) return;
  if (terminal.json) {
    terminal.result(JSON.stringify({ columns: fields.map(({ name }) => name), rows, rowCount }));
  } else if (fields.length === 0 && command !== 'SELECT') {
    terminal.result([command, rowCount].filter((part) => part !== null).join(' '));
  } else {
    for (const line of formatResult(result, expanded, terminal.columns)) terminal.result(line);
    terminal.result('');
  }
}

/** The rows as lines, and how many they are. */
export function formatResult(
  { fields, rows }: Pick<StatementResult, 'fields' | 'rows'>,
  expanded: Expanded,
  columns = Number.POSITIVE_INFINITY,
): string[] {
  const count = rows.length === 1 ? '(1 row)' : `(${rows.length} rows)`;
  if (fields.length === 0) return ['--', count];
  const names = fields.map(({ name }) => name);
  if (expanded === 'on') return rows.length === 0 ? [count] : formatExpanded(names, rows, columns);
  const aligned = fields.map(({ name, dataTypeID }) => ({ name, align: alignmentOf(dataTypeID) }));
  const lines = formatTable(aligned, rows);
  const isTooWide = widthOf(lines[0] ?? '') > columns;
  if (expanded === 'auto' && isTooWide && rows.length > 0) return formatExpanded(names, rows, columns);
  return [...lines, count];
}

/** As psql's \x has it. */
function formatExpanded(
  names: readonly string[],
  rows: readonly (readonly (string | null)[])[],
  columns: number,
): string[] {
  const labels = names.map((name) => escapeControls(name).replaceAll('\n', ' '));
  const cells = rows.map((row) => names.map((_, column) => escapeControls(row[column] ?? '').split('\n')));
  const left = Math.max(...labels.map(widthOf));
  const right = Math.max(...cells.flat(2).map(widthOf));
  const rule = `${'-'.repeat(left)}-+-${'-'.repeat(right)}`.slice(0, columns);
  return cells.flatMap((row, index) => {
    const title = `-[ RECORD ${index + 1} ]`;
    return [title + rule.slice(title.length), ...row.flatMap((lines, column) => formatCell(column, lines))];
  });

  function formatCell(column: number, lines: readonly string[]): string[] {
    const label = labels[column] ?? '';
    return lines.map((line, index) => {
      const goesOn = index + 1 < lines.length ? `${' '.repeat(right - widthOf(line))}+` : '';
      const shown = index === 0 ? label + ' '.repeat(left - widthOf(label)) : ' '.repeat(left);
      return `${shown} | ${line}${goesOn}`;
    });
  }
}

// The types that psql aligns right: int2, int4, int8, oid, xid, cid, float4, float8, money, numeric, xid8.
const numericTypes = new Set([21, 23, 20, 26, 28, 29, 700, 701, 790, 1700, 5069]);

/** How psql sets a column of this type. */
export const alignmentOf = (type: number): 'left' | 'right' => (numericTypes.has(type) ? 'right' : 'left');
