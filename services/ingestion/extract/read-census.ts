import type pg from 'pg';
import { censusFieldsOf } from '../../../shared/census/census-table.ts';
import {
  bound,
  type CensusRange,
  inRange,
  type RangeColumn,
  rangeOrder,
  sourceRangeColumns,
} from '../../../shared/census/range.ts';
import { keysOfObject, maxCensusBytes, maxCensusCopyBytes } from '../../../shared/census/size.ts';
import { TerminalError } from '../../../shared/errors.ts';
import type { SourceTable } from '../../../shared/model/model.ts';
import { quoteSource } from '../../../shared/model/source-name.ts';
import type { ObjectVersion } from '../../../shared/object-store/object-metadata.ts';
import { copyOut } from '../../../shared/postgres/copy-out.ts';
import { quoteIdentifier, quoteLiteral } from '../../../shared/postgres/identifier.ts';
import type { ExtractMessage } from '../../../shared/records/plan/extract-message.ts';
import { makeVersion } from '../source/snapshot.ts';
import type { UsableTable } from '../source/tables.ts';
import { makeCompressedRows, ObjectTooLarge } from './compressed-rows.ts';
import { castField } from './copy-rows.ts';
import { type OtherSource, type ReadOptions, readAtOnce } from './read-slice.ts';

export interface Census {
  kind: 'census';
  /** The keys as JSON lines, compressed. */
  bytes: Uint8Array;
  rows: number;
  version: ObjectVersion;
  /** How long the source was read for. */
  seconds: number;
  /** The upper bound of what was read; absent where it is the last of the table's keys. */
  to?: readonly string[];
}

export interface CensusRead {
  range: CensusRange;
  /** How many keys to read at most; absent where the source's estimate says. */
  maxKeys?: number | undefined;
}

/**
 * Reads the keys of a range in one snapshot: a key that is missing from it was deleted before it, or not written yet. A range
 * of more keys than an object has room for is cut: its lower part is read.
 *
 * @returns `too large` where more keys were read than have room; to be read again with fewer
 * @throws {TerminalError} the keys have no room, and cannot be cut
 * @throws as `readSlice`
 */
export const readCensus = (
  client: pg.Client,
  message: ExtractMessage,
  table: SourceTable,
  options: ReadOptions,
  read: CensusRead,
): Promise<Census | OtherSource | { kind: 'too large' }> =>
  readAtOnce(client, message, table, options, async ({ usable, snapshot, replayLsn }) => {
    const begun = performance.now();
    const content = await copyKeys(client, usable, options, read);
    if (content === undefined) return { kind: 'too large' as const };
    const version = absenceVersion(makeVersion(message.generation, snapshot, replayLsn), replayLsn);
    const seconds = (performance.now() - begun) / 1000;
    return { kind: 'census' as const, ...content, version, seconds };
  });

/**
 * On a standby a row and a census of equal xmax and xmin cannot be put in order: the replay position is read before the
 * snapshot, which may show more. So the row stays: the census has the least tie there is.
 */
const absenceVersion = (version: ObjectVersion, replayLsn: string | null): ObjectVersion =>
  replayLsn === null ? version : { ...version, tie: leastTie };

const leastTie = String(-(2n ** 63n));

/** @returns undefined where the keys have no room; the connection is closed then */
async function copyKeys(
  client: pg.Client,
  { table, relation, columns: all }: UsableTable,
  { schema, censusLimits }: Pick<ReadOptions, 'schema' | 'censusLimits'>,
  { range, maxKeys }: CensusRead,
): Promise<Pick<Census, 'bytes' | 'rows' | 'to'> | undefined> {
  const { maxBytes = maxCensusBytes, maxCopyBytes = maxCensusCopyBytes } = censusLimits ?? {};
  const fields = censusFieldsOf(table);
  const columns = fields.map((field) => {
    const column = all[table.fields.indexOf(field)];
    if (column === undefined) throw new TypeError(`${table.name} has no column ${field.name}`);
    return column;
  });
  const list = fields.map((field, index) =>
    castField(`source.${quoteIdentifier(field.column)}`, field, columns[index]),
  );
  const key = sourceRangeColumns(table, 'source');
  const from = `${quoteSource(table, schema)} as source`;
  // Where a bound is known, the keys below it had room the last time.
  const estimate = range.to === undefined ? keysOfObject(fields, { maxBytes, maxCopyBytes }) : undefined;
  const most = maxKeys ?? (estimate !== undefined && relation.rows > estimate ? estimate : undefined);
  const cut = key && most !== undefined ? await findCut(client, key, { from, range, most }) : undefined;
  const read = { ...range, ...(cut !== undefined && { to: cut }) };
  const order =
    key === undefined
      ? table.key.map((column) => `source.${quoteIdentifier(column)}`).join(', ')
      : rangeOrder(key);
  const keys = makeCompressedRows(columns, maxBytes, maxCopyBytes);
  try {
    await copyOut(
      client,
      `copy (
         select ${list.join(', ')} from ${from} where ${key === undefined ? 'true' : inRange(key, read)} order by ${order}
       ) to stdout (format text)`,
      keys.push,
    );
    return { ...(await keys.finish()), ...(read.to !== undefined && { to: read.to }) };
  } catch (error) {
    keys.discard();
    if (!(error instanceof ObjectTooLarge)) throw error;
    if (key !== undefined && most !== 1) return undefined;
    throw new TerminalError(
      `the keys of ${table.name} are more than a census holds (${error.message}): its deletes are not looked for. Discard this message: starlift failures drop --table ${table.name}`,
      { table: table.name, cause: error },
    );
  }
}

/** @returns the key with so many keys of the range before it; undefined where there are no more */
async function findCut(
  client: pg.Client,
  key: readonly RangeColumn[],
  { from, range, most }: { from: string; range: CensusRange; most: number },
): Promise<readonly string[] | undefined> {
  const { rows } = await client.query<{ cut: string[] }>(
    `select array[${key.map(({ sql }) => `${sql}::text`).join(', ')}] as cut
       from ${from} where ${inRange(key, range)} order by ${rangeOrder(key)} offset ${most} limit 1`,
  );
  return rows[0]?.cut;
}

/** Whether a key that an earlier census has is below a bound, in the order of the source. */
export async function isBelowBound(
  client: pg.ClientBase,
  table: SourceTable,
  { key, bound: texts }: { key: ReadonlyMap<string, string>; bound: readonly string[] },
): Promise<boolean> {
  const columns = sourceRangeColumns(table, 'source') ?? [];
  const types = table.key.map(
    (name) => table.columns.find((field) => field.name === name)?.type ?? 'varchar',
  );
  const values = table.key.map((name, index) => `${quoteLiteral(key.get(name) ?? '')}::${types[index]}`);
  const literals = columns.map((column, index) => ({ ...column, sql: values[index] ?? '' }));
  const { rows } = await client.query<{ is: boolean }>(
    `select (${rangeOrder(literals)}) < ${bound(columns, texts)} as is`,
  );
  return rows[0]?.is === true;
}
