import pg from 'pg';
import { formatType } from '../../../shared/model/define.ts';
import type { Calendar, Dimension, Fact, Model } from '../../../shared/model/model.ts';
import { quoteIdentifier, quoteQualified } from '../../../shared/postgres/identifier.ts';
import { currentViews } from '../../../shared/warehouse/current/current-view.ts';
import { cancelStatement } from '../../database/cancel-statement.ts';
import type { Site } from '../../site/site.ts';
import { alignmentOf } from '../../sql/print-result.ts';
import { describeSqlError } from '../../sql/session.ts';
import { splitStatements } from '../../sql/split-statements.ts';
import { UsageError } from '../../terminal/usage-error.ts';
import type { SqlAnswer, SqlExamples } from './api.ts';

export interface SqlLimits {
  rows: number;
  seconds: number;
  /** All values together. */
  bytes: number;
}

export const sqlLimits: SqlLimits = { rows: 1000, seconds: 10, bytes: 8 * 2 ** 20 };

/** Statements that read. Others are refused by their first word, before the server would do it. */
const reading = /^(?:select|with|values|table|show|explain)\b/i;
const leadingComments = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/|\()*/;

/**
 * Answers one query of the warehouse in a read-only transaction, by the extended protocol, which takes one statement and no
 * more: a second one could end the transaction.
 *
 * @throws {UsageError} it is not one statement that reads, or the server says something against it
 */
export async function answerSql(
  site: Pick<Site, 'connectWarehouse'>,
  query: unknown,
  signal: AbortSignal,
  limits: SqlLimits = sqlLimits,
): Promise<SqlAnswer> {
  const statement = parseQuery(query);
  const client = await site.connectWarehouse();
  const begun = performance.now();
  try {
    await client.query('begin read only');
    await client.query(
      `set local statement_timeout = ${limits.seconds * 1000}; set local lock_timeout = 2000;
       set local idle_in_transaction_session_timeout = ${limits.seconds * 1000}`,
    );
    await assertNoSuperuser(client);
    const result = await runLimited(client, statement, signal, limits);
    return { ...result, seconds: (performance.now() - begun) / 1000 };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code } = error as { code?: unknown };
    const isTooLong = code === '57014' && !signal.aborted;
    const reason = isTooLong
      ? `it took longer than ${limits.seconds} s and was cancelled; starlift sql has no limit`
      : describeSqlError(error, statement);
    throw new UsageError(reason, { cause: error });
  } finally {
    // With it the transaction ends.
    await client.end().catch(() => {});
  }
}

/** @throws {UsageError} */
function parseQuery(query: unknown): string {
  if (typeof query !== 'string' || query.trim() === '') throw new UsageError('there is no statement');
  const { statements, rest } = splitStatements(query);
  const all = [...statements, ...(rest.trim() === '' ? [] : [rest.trim()])];
  const [statement = '', ...more] = all;
  if (more.length > 0) throw new UsageError('only one statement at a time');
  if (!reading.test(statement.replace(leadingComments, '')))
    throw new UsageError(
      'the console only reads: a statement begins with select, with, values, table, show or explain',
    );
  return statement;
}

/** A read-only transaction keeps a superuser neither from files and programs of the server nor from password hashes. */
async function assertNoSuperuser(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ is: string }>("select current_setting('is_superuser') as is");
  if (rows[0]?.is === 'on')
    throw new UsageError(
      'the console asks nothing as a superuser, who may read more than tables: name a user of your own in the URL of the warehouse, or use starlift sql',
    );
}

async function runLimited(
  client: pg.Client,
  text: string,
  signal: AbortSignal,
  limits: SqlLimits,
): Promise<Omit<SqlAnswer, 'seconds'>> {
  const rows: (string | null)[][] = [];
  let bytes = 0;
  let isCut = false;
  const stop = () => void cancelStatement(client).catch(() => {});
  if (signal.aborted) throw new UsageError('nobody waits for the answer');
  signal.addEventListener('abort', stop, { once: true });
  const config: pg.QueryArrayConfig & { queryMode: 'extended' } = {
    text,
    rowMode: 'array',
    types: { getTypeParser: () => (value: string) => value },
    queryMode: 'extended',
  };
  const asked = client.query(new pg.Query<(string | null)[]>(config));
  let fields: { name: string; dataTypeID: number }[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      asked.on('row', (row, result) => {
        if (isCut) return;
        fields = result?.fields ?? fields;
        bytes += row.reduce((sum, value) => sum + (value?.length ?? 0), 0);
        if (rows.length >= limits.rows || bytes > limits.bytes) {
          isCut = true;
          stop();
        } else rows.push(row);
      });
      asked.on('end', (result) => {
        fields = result.fields;
        resolve();
      });
      asked.on('error', (error) => (isCut ? resolve() : reject(error)));
    });
  } finally {
    signal.removeEventListener('abort', stop);
  }
  const columns = fields.map(({ name, dataTypeID }) => ({
    name,
    isNumber: alignmentOf(dataTypeID) === 'right',
  }));
  return { columns, rows, isCut };
}

/** Three queries of the current views, of the model's first fact where it has one. */
export function makeExamples({
  model,
  warehouseSchema,
}: Pick<Site, 'model' | 'warehouseSchema'>): SqlExamples {
  const views = currentViews(model, warehouseSchema);
  const viewOf = (table: string) => {
    const name = views.find((each) => each.table === table)?.name ?? table;
    return warehouseSchema === 'public' ? quoteIdentifier(name) : quoteQualified(warehouseSchema, name);
  };
  const counts = model.tables
    .map(({ name }) => `select ${quoteLiteral(name)} as "table", count(*) as rows from ${viewOf(name)}`)
    .join('\nunion all ');
  const facts = model.tables.filter((table) => table.kind === 'fact');
  return [
    { title: 'Rows of each table', query: `${counts}\norder by rows desc` },
    ...facts.flatMap((fact) => exampleByDay(fact, model.calendar, viewOf)).slice(0, 1),
    ...facts.flatMap((fact) => exampleByDimension(fact, model, viewOf)).slice(0, 1),
  ];
}

function exampleByDay(
  fact: Fact,
  calendar: Calendar | undefined,
  viewOf: (table: string) => string,
): SqlExamples {
  const date = fact.columns.find(
    ({ references }) => references !== undefined && references === calendar?.name,
  );
  if (date === undefined) return [];
  const column = quoteIdentifier(date.name);
  const query = `select ${column}, count(*) as rows\nfrom ${viewOf(fact.name)}\ngroup by 1\norder by 1`;
  return [{ title: `${fact.name} by day`, query }];
}

function exampleByDimension(fact: Fact, model: Model, viewOf: (table: string) => string): SqlExamples {
  for (const { name, references } of fact.columns) {
    const dimension = model.tables.find(
      (table): table is Dimension => table.name === references && table.kind === 'dimension',
    );
    const [key, ...others] = dimension?.key ?? [];
    const label = dimension?.columns.find(({ type, name: own }) => own !== key && isText(type));
    if (dimension === undefined || key === undefined || others.length > 0 || label === undefined) continue;
    const query = [
      `select d.${quoteIdentifier(label.name)}, count(*) as rows`,
      `from ${viewOf(fact.name)} f`,
      `join ${viewOf(dimension.name)} d on d.${quoteIdentifier(key)} = f.${quoteIdentifier(name)}`,
      'group by 1',
      'order by rows desc',
      'limit 20',
    ].join('\n');
    return [{ title: `${fact.name} by ${dimension.name}`, query }];
  }
  return [];
}

const isText = (type: Dimension['columns'][number]['type']): boolean =>
  /^(?:text|varchar)/.test(formatType(type));

const quoteLiteral = (text: string): string => `'${text.replaceAll("'", "''")}'`;
