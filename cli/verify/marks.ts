import type pg from 'pg';
import { columnValues } from '../../services/loading/rows/column-values.ts';
import { keyTexts } from '../../services/loading/rows/key-texts.ts';
import { censusTableOf } from '../../shared/census/census-table.ts';
import {
  type CensusRange,
  inRange,
  parseRange,
  type StoredRange,
  warehouseRangeColumns,
} from '../../shared/census/range.ts';
import { censusTable, ledgerTable } from '../../shared/ledger/schema/ledger-schema.ts';
import { formatType } from '../../shared/model/define.ts';
import type { WarehouseTable } from '../../shared/model/model.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { readParquet } from '../../shared/parquet/read-parquet.ts';
import { quoteIdentifier, quoteQualified } from '../../shared/postgres/identifier.ts';
import { deletedByColumn, objectIdColumn } from '../../shared/warehouse/warehouse-schema.ts';
import { showKey } from './compare-rows.ts';
import { type ColumnType, textOf } from './databases/postgres-types.ts';
import type { Key } from './report.ts';

/** The marks of one table. */
export interface Marks {
  /** SQL for a row's Mark; the rows have the alias `found`. */
  column: string;
  /** SQL that follows the table and its alias. */
  join: string;
  /**
   * Whether the census has the key that decides for its row, so that the row was deleted after it; false where the census cannot
   * be read.
   *
   * @param part as the row's mark has it
   */
  isInCensus(key: Key, part: number): Promise<boolean>;
}

/** A part of the newest census that was applied. */
interface AppliedPart {
  key: string;
  range: CensusRange;
  /** SQL for its version. */
  version: string;
}

/**
 * @param warehouse in the snapshot in which the rows are read
 * @param site undefined where nothing but the databases is known
 * @returns undefined where rows of the table are not marked
 */
export async function readMarks(
  warehouse: pg.Client,
  table: WarehouseTable,
  { schema, processed }: { schema: string; processed: Pick<ObjectStore, 'get'> | undefined },
  keyTypes: readonly ColumnType[],
): Promise<Marks | undefined> {
  if (table.kind === 'calendar') return undefined;
  if (table.deletes === 'keep') return { column: "'kept'", join: '', isInCensus: async () => false };
  if (!(await hasMarks(warehouse, schema, table.name))) return undefined;
  const parts = await selectApplied(warehouse, table.name);
  const isMarked = `when found.${quoteIdentifier(deletedByColumn)} is not null then 'marked'`;
  let known: { object: string; keys: Promise<ReadonlySet<string>> } | undefined;
  const seen = parts.map(({ range, version }, part) => {
    const isWhole = range.from === undefined && range.to === undefined;
    const isIn = isWhole ? 'true' : inRange(warehouseRangeColumns(table, 'found'), range);
    return `when ${isIn} and (loaded.object_id is null or ${versionOf('loaded')} < ${version}) then 'seen ${part}'`;
  });
  return {
    column: `case ${isMarked} ${seen.join(' ')} else 'unseen' end`,
    join:
      parts.length === 0
        ? ''
        : `left join ${ledgerTable} as loaded on loaded.object_id = found.${quoteIdentifier(objectIdColumn)}`,
    isInCensus: async (key, part) => {
      const object = parts[part]?.key;
      if (object === undefined || processed === undefined) return false;
      // Rows come in the order of their keys, more or less: the keys of one part are in memory.
      if (known?.object !== object)
        known = { object, keys: readKeys(warehouse, table, { object, processed, keyTypes }) };
      return (await known.keys).has(formatKey(key));
    },
  };
}

/** Of a warehouse that an older version has made, nothing is marked. */
async function hasMarks(warehouse: pg.Client, schema: string, table: string): Promise<boolean> {
  const { rowCount } = await warehouse.query(
    `select from pg_attribute
      where attrelid = to_regclass($1) and attname = '${deletedByColumn}' and not attisdropped
        and to_regclass('${censusTable}') is not null`,
    [quoteQualified(schema, table)],
  );
  return rowCount === 1;
}

/** The newest first: for a row the first one decides that is newer and has its key in its range. */
async function selectApplied(warehouse: pg.Client, table: string): Promise<AppliedPart[]> {
  // One that an older version has made has no ranges.
  const { rows } = await warehouse.query<{ key: string; version: string; census: StoredRange }>(
    `select o.key, to_jsonb(c) as census,
            format('(%s, %s, %s, %s)', o.generation, o.snapshot_xmax, o.snapshot_xmin, o.tie) as version
       from ${censusTable} c join ${ledgerTable} o using (object_id)
      where c.warehouse_table = $1 and c.state = 'applied'
      order by o.generation desc, o.snapshot_xmax desc, o.snapshot_xmin desc, o.tie desc, o.revision desc`,
    [table],
  );
  return rows.map(({ key, version, census }) => ({ key, version, range: parseRange(census) }));
}

const versionOf = (entry: string): string =>
  `(${entry}.generation, ${entry}.snapshot_xmax, ${entry}.snapshot_xmin, ${entry}.tie)`;

/** Keys in one statement. */
const keysAtOnce = 10_000;

/** The keys of a census, as the warehouse writes them. An object that S3 has lost has none. */
async function readKeys(
  warehouse: pg.Client,
  table: Exclude<WarehouseTable, { kind: 'calendar' }>,
  {
    object: key,
    processed,
    keyTypes,
  }: {
    object: string;
    processed: Pick<ObjectStore, 'get'>;
    keyTypes: readonly ColumnType[];
  },
): Promise<ReadonlySet<string>> {
  const object = await processed.get(key);
  const keys = new Set<string>();
  if (object === undefined) return keys;
  const { columns } = censusTableOf(table);
  const batches = await readParquet(censusTableOf(table), key, object.body);
  const texts = columns.map(({ type }, index) => keyTexts(type, columnValues(batches, index)));
  const unnested = columns.map((_, index) => `unnest($${index + 1}::text[])`);
  const list = columns.map(({ type }, index) =>
    textOf(`k${index}::${formatType(type)}`, keyTypes[index] ?? { oid: 0, modifier: -1 }),
  );
  const names = columns.map((_, index) => `k${index}`);
  for (let start = 0; start < (texts[0]?.length ?? 0); start += keysAtOnce) {
    const { rows } = await warehouse.query<string[]>({
      text: `select ${list.join(', ')} from (select ${unnested.map((sql, index) => `${sql} as k${index}`).join(', ')}) as key (${names.join(', ')})`,
      values: texts.map((column) => column.slice(start, start + keysAtOnce)),
      rowMode: 'array',
    });
    for (const row of rows) keys.add(formatKey(showKey(row)));
  }
  return keys;
}

/** No text of Postgres has the character between the parts. */
const formatKey = (key: Key): string => (typeof key === 'string' ? key : key.join('\0'));
