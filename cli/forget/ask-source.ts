import type pg from 'pg';
import { askLog } from '../../services/ingestion/source/log.ts';
import { makeVersion, selectSnapshot } from '../../services/ingestion/source/snapshot.ts';
import type { Model, SourceTable } from '../../shared/model/model.ts';
import { quoteSource } from '../../shared/model/source-name.ts';
import type { ObjectVersion } from '../../shared/object-store/object-metadata.ts';
import { quoteIdentifier } from '../../shared/postgres/identifier.ts';
import { readCaptureState } from '../../shared/records/plan/capture-state.ts';
import { commandFor, type Site } from '../site/site.ts';
import { UsageError } from '../terminal/usage-error.ts';
import {
  type ColumnType,
  describeColumns,
  isFloat,
  isInteger,
  isMoment,
  typeOids,
} from '../verify/databases/postgres-types.ts';
import { withSavepoint } from '../verify/databases/savepoint.ts';
import { isCaptured } from '../verify/evidence.ts';
import { maskedValue, maskKeyVariable, useMaskKey } from '../verify/expected/masked-value.ts';
import { defaultSchema } from '../verify/expected/source-rows.ts';
import { beginReading } from '../verify/verify-warehouse.ts';
import type { GivenField, WantedField } from './forgotten-row.ts';
import type { KeyKind } from './key-text.ts';

/** Reads the source in one snapshot: what is asked of it holds at one moment. */
export interface AskedSource {
  /** The values as the source writes them. @throws {UsageError} one is not of its column's type */
  readValues(table: SourceTable, given: readonly GivenField[]): Promise<WantedField[]>;
  /** How many rows have these values. */
  countRows(table: SourceTable, fields: readonly WantedField[]): Promise<number>;
  /** What any object has that was read at this moment. */
  version: ObjectVersion;
}

/**
 * @throws {UsageError} the source cannot be asked from here, was never captured, or is another one since
 */
export async function askSource<T>(
  site: Pick<Site, 'connectSource' | 'ingested' | 'selector' | 'model'>,
  work: (source: AskedSource) => Promise<T>,
): Promise<T> {
  const { connectSource, model } = site;
  if (connectSource === undefined)
    throw new UsageError(
      'the source cannot be reached from here, and nothing is forgotten that it may still have',
    );
  const client = await connectSource().catch((cause: Error) => {
    throw new Error(
      `the source does not answer (${cause.message}), and nothing is forgotten that it may still have`,
      { cause },
    );
  });
  try {
    await beginReading(client, `'${defaultSchema}, ' || current_setting('search_path')`);
    const version = await readVersion(client, site);
    return await work({
      version,
      readValues: (table, given) => readValues(client, table, given, model),
      countRows: (table, fields) => countRows(client, table, fields),
    });
  } finally {
    client.end().catch(() => {});
  }
}

/**
 * The state is read after the snapshot: whatever has read the row before is of its generation or of an earlier one, so its
 * version is lower.
 */
async function readVersion(
  client: pg.Client,
  site: Pick<Site, 'ingested' | 'selector'>,
): Promise<ObjectVersion> {
  const attempt = <T>(ask: () => Promise<T>) => withSavepoint([client], ask);
  const statements = { query: <Row extends pg.QueryResultRow>(sql: string) => client.query<Row>(sql) };
  const snapshot = await selectSnapshot(statements);
  const { replayLsn } = await askLog(statements, attempt);
  const captured = await readCaptureState(site.ingested);
  if (captured === undefined)
    throw new UsageError('nothing of this source was ever captured: there is nothing to forget');
  const { generation, identity } = captured.state;
  if (!(await isCaptured(client, identity))) {
    throw new UsageError(
      `the source was restarted or replaced since the last plan, so what was read earlier cannot be told from what is read now. Run first: ${commandFor(site, 'run')}`,
    );
  }
  return makeVersion(generation, snapshot, replayLsn);
}

async function readValues(
  client: pg.Client,
  table: SourceTable,
  given: readonly GivenField[],
  model: Model,
): Promise<WantedField[]> {
  const columns = given.map(({ field }) => quoteIdentifier(field));
  const types = await describeColumns(
    client,
    `select ${columns.join(', ')} from ${quoteSource(table, defaultSchema)}`,
  );
  const fields: WantedField[] = [];
  for (const [index, { field, text }] of given.entries()) {
    const type = types[index] ?? { oid: 0, modifier: -1 };
    if (isMasked(table, field)) {
      await useMaskKey(client, model, process.env[maskKeyVariable] || undefined);
      fields.push({ field, value: { text, kind: 'text' } });
    } else {
      fields.push({ field, value: { text: await castText(client, field, text, type), kind: kindOf(type) } });
    }
  }
  return fields;
}

const isMasked = ({ columns }: SourceTable, field: string): boolean =>
  columns.some(({ name, type }) => name === field && type === 'masked');

/** Of a numeric with its scale; the length of a text would cut it off without a word. */
async function castText(
  client: pg.Client,
  field: string,
  text: string,
  { oid, modifier }: ColumnType,
): Promise<string> {
  const { rows: types } = await client.query<{ name: string }>('select format_type($1, $2) as name', [
    oid,
    oid === typeOids.numeric ? modifier : null,
  ]);
  try {
    const { rows } = await client.query<{ text: string }>(
      `select $1::text::${types[0]?.name ?? 'text'}::text as text`,
      [text],
    );
    return rows[0]?.text ?? text;
  } catch (cause) {
    throw new UsageError(`${text} is not a value of ${field}: ${(cause as Error).message}`, { cause });
  }
}

function kindOf(type: ColumnType): KeyKind {
  if (isInteger(type) || type.oid === typeOids.numeric) return 'number';
  if (isFloat(type)) return 'float';
  return isMoment(type) ? 'moment' : 'text';
}

async function countRows(
  client: pg.Client,
  table: SourceTable,
  fields: readonly WantedField[],
): Promise<number> {
  const conditions = fields.map(({ field }, index) => {
    const column = quoteIdentifier(field);
    return `${isMasked(table, field) ? maskedValue(column) : column} = $${index + 1}`;
  });
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::float8 as count from ${quoteSource(table, defaultSchema)} where ${conditions.join(' and ')}`,
    fields.map(({ value }) => value.text),
  );
  return rows[0]?.count ?? 0;
}
