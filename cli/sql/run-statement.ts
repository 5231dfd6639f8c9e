import pg from 'pg';
import { formatTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

type Cells = (string | null)[];

interface StatementResult {
  /** The first word of the command, such as SELECT. */
  command: string | null;
  rowCount: number | null;
  fields: { name: string; dataTypeID: number }[];
  rows: Cells[];
}

/**
 * Runs one statement, or several in one transaction, and prints each result as psql does; with --json as one
 * line `{"columns":[…],"rows":[[…]],"rowCount":n}`.
 *
 * Values are shown as Postgres renders them: nothing passes through a JavaScript number or Date.
 *
 * @throws {Error} what the server says against it
 */
export async function runStatement(client: pg.Client, text: string, terminal: Terminal): Promise<void> {
  const asText = { getTypeParser: () => (value: string) => value };
  // For several statements pg gives an array, against its own types.
  const answer: unknown = await client.query<Cells>({ text, rowMode: 'array', types: asText });
  for (const result of (Array.isArray(answer) ? answer : [answer]) as StatementResult[]) {
    if (result.command === null) continue;
    if (terminal.json) printJson(result, terminal);
    else printAsPsql(result, terminal);
  }
}

/** The server's words in one text, with what it adds: a hint is often the answer. */
export function describeSqlError(error: unknown): string {
  if (!(error instanceof pg.DatabaseError)) return error instanceof Error ? error.message : String(error);
  const { message, detail, hint } = error;
  return [message, detail, hint].filter((part) => part !== undefined).join('; ');
}

function printJson({ fields, rows, rowCount }: StatementResult, terminal: Terminal): void {
  terminal.result(JSON.stringify({ columns: fields.map(({ name }) => name), rows, rowCount }));
}

function printAsPsql({ command, rowCount, fields, rows }: StatementResult, terminal: Terminal): void {
  if (fields.length === 0 && command !== 'SELECT') {
    terminal.result([command, rowCount].filter((part) => part !== null).join(' '));
    return;
  }
  const columns = fields.map(({ name, dataTypeID }) => ({ name, align: alignmentOf(dataTypeID) }));
  for (const line of fields.length === 0 ? ['--'] : formatTable(columns, rows)) terminal.result(line);
  terminal.result(rows.length === 1 ? '(1 row)' : `(${rows.length} rows)`);
  terminal.result('');
}

// The types that psql aligns right: int2, int4, int8, oid, xid, cid, float4, float8, money, numeric, xid8.
const numericTypes = new Set([21, 23, 20, 26, 28, 29, 700, 701, 790, 1700, 5069]);

/** How psql sets a column of this type. */
export const alignmentOf = (type: number): 'left' | 'right' => (numericTypes.has(type) ? 'right' : 'left');
