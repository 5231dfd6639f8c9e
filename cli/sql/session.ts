import pg from 'pg';
import { cancelStatement } from '../database/cancel-statement.ts';
import { escapeControls, widthOf } from '../terminal/table.ts';

/** What a statement gave, its values as Postgres writes them: nothing passes through a JavaScript number or Date. */
export interface StatementResult {
  /** The first word of the command, such as SELECT; null for a text that holds no statement. */
  command: string | null;
  rowCount: number | null;
  fields: { name: string; dataTypeID: number }[];
  rows: (string | null)[][];
}

/** A person's connection to a database. */
export interface SqlSession {
  readonly database: string;
  readonly isReadOnly: boolean;
  /** Where a transaction of the user's own stands. */
  readonly transaction: 'none' | 'open' | 'failed';
  /** @throws {Error} what the server says against the statement */
  run(statement: string, values?: readonly string[]): Promise<StatementResult>;
  /** Asks the server to break off what it does for this session. */
  cancel(): Promise<void>;
}

/**
 * Makes a session, in which the server refuses writes unless they are asked for.
 *
 * Each statement runs in a read-only transaction of its own: a setting of the session would go on to other clients
 * behind a pooler, which hands the connection on after each transaction.
 */
export function makeSession(client: pg.Client, mode: 'read only' | 'read write'): SqlSession {
  const isReadOnly = mode === 'read only';
  const run = (text: string, values: readonly string[] = []) => runAlone(client, text, values);
  const status = () => client.getTransactionStatus();
  return {
    database: client.database ?? 'postgres',
    isReadOnly,
    get transaction() {
      const current = status();
      return current === 'T' ? 'open' : current === 'E' ? 'failed' : 'none';
    },
    run: async (statement, values) => {
      if (!isReadOnly || status() !== 'I') return run(statement, values);
      try {
        if (beginsTransaction.test(statement)) return await beginReadOnly(run, statement);
        await run('begin read only');
        const result = await run(statement, values);
        if (status() !== 'I') await run('commit');
        return result;
      } catch (error) {
        // A connection that is lost has nothing to roll back, and its own error is the one to show.
        if (status() !== 'I') await run('rollback').catch(() => {});
        throw error;
      }
    },
    cancel: () => cancelStatement(client),
  };
}

const comments = String.raw`(?:\s|--[^\n]*\n|/\*[^]*?\*/)*`;
const beginsTransaction = new RegExp(`^${comments}(?:begin|start\\s+transaction)\\b`, 'i');

type Run = (text: string) => Promise<StatementResult>;

/** After its first query a transaction can no longer be made one that writes. */
async function beginReadOnly(run: Run, statement: string): Promise<StatementResult> {
  const result = await run(statement);
  await run('set transaction read only');
  await run('select 1');
  return result;
}

/** By the extended protocol, which takes one statement and no more: a second one could end the transaction. */
async function runAlone(
  client: pg.Client,
  text: string,
  values: readonly string[],
): Promise<StatementResult> {
  const asText = { getTypeParser: () => (value: string) => value };
  const query: pg.QueryArrayConfig & { queryMode: 'extended' } = {
    text,
    values: [...values],
    rowMode: 'array',
    types: asText,
    queryMode: 'extended',
  };
  try {
    return await client.query<(string | null)[]>(query);
  } catch (error) {
    // pg rejects before the server has said in what state the transaction is. The answer to this comes after that.
    await client.query('').catch(() => {});
    throw error;
  }
}

/**
 * What the server says, in one line, with its detail and its hint, which is often the answer; below it the place in the
 * statement, where the server names one.
 */
export function describeSqlError(
  error: unknown,
  statement = '',
  session?: Pick<SqlSession, 'isReadOnly'>,
): string {
  if (!(error instanceof pg.DatabaseError)) return error instanceof Error ? error.message : String(error);
  const { message, detail, hint, code, position } = error;
  const said = [message, detail, hint].filter((part) => part !== undefined).join('; ');
  if (session?.isReadOnly === true && code !== undefined && refusedAsWrite.has(code)) {
    return `the session is read-only: ${said} (starlift sql --write lets statements change data)`;
  }
  return [said, ...(position === undefined ? [] : showPosition(statement, Number(position)))].join('\n');
}

/** 25006 read_only_sql_transaction, and 25001 of what runs outside of transactions only, such as vacuum. */
const refusedAsWrite: ReadonlySet<string> = new Set(['25006', '25001']);

const shownBefore = 50;
const shownBehind = 20;

/**
 * The line of a statement with a caret below the place, as psql shows it.
 *
 * @param position counted from 1, in characters
 */
export function showPosition(statement: string, position: number): string[] {
  const characters = Array.from(statement);
  const before = characters.slice(0, position - 1).join('');
  const behind = characters.slice(position - 1).join('');
  const lineNumber = before.split('\n').length;
  const start = visible(before.slice(before.lastIndexOf('\n') + 1));
  const end = visible(behind.split('\n')[0] ?? '');
  const shownStart = start.length > shownBefore ? `...${start.slice(-shownBefore)}` : start;
  const shownEnd = end.length > shownBehind ? `${end.slice(0, shownBehind)}...` : end;
  const label = `LINE ${lineNumber}: `;
  return [label + shownStart + shownEnd, `${' '.repeat(label.length + widthOf(shownStart))}^`];
}

const visible = (text: string): string => escapeControls(text.replaceAll('\t', ' '));
