import type pg from 'pg';
import { columnValues } from '../../services/loading/rows/column-values.ts';
import { keyTexts } from '../../services/loading/rows/key-texts.ts';
import { censusTableOf } from '../../shared/census/census-table.ts';
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
   * Whether the newest applied census has the key, so that the row was deleted after it; false where the census cannot be
   * read.
   */
  isInCensus(key: Key): Promise<boolean>;
}

interface NewestCensus {
  id: string;
  key: string;
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
  const newest = await selectNewest(warehouse, table.name);
  let keys: Promise<ReadonlySet<string>> | undefined;
  const isMarked = `when found.${quoteIdentifier(deletedByColumn)} is not null then 'marked'`;
  return {
    column:
      newest === undefined
        ? `case ${isMarked} else 'unseen' end`
        : `case ${isMarked} when newer.object_id is null then 'seen' else 'unseen' end`,
    join:
      newest === undefined
        ? ''
        : `left join (
             select o.object_id from ${ledgerTable} o join ${ledgerTable} c on c.object_id = ${newest.id}
              where (o.generation, o.snapshot_xmax, o.snapshot_xmin, o.tie)
                    >= (c.generation, c.snapshot_xmax, c.snapshot_xmin, c.tie)) as newer
             on newer.object_id = found.${quoteIdentifier(objectIdColumn)}`,
    isInCensus: async (key) => {
      if (newest === undefined || processed === undefined) return false;
      keys ??= readKeys(warehouse, table, { census: newest, processed, keyTypes });
      return (await keys).has(formatKey(key));
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

async function selectNewest(warehouse: pg.Client, table: string): Promise<NewestCensus | undefined> {
  const { rows } = await warehouse.query<NewestCensus>(
    `select o.object_id::text as id, o.key from ${censusTable} c join ${ledgerTable} o using (object_id)
      where c.warehouse_table = $1 and c.state = 'applied'
      order by o.generation desc, o.snapshot_xmax desc, o.snapshot_xmin desc, o.tie desc, o.revision desc limit 1`,
    [table],
  );
  return rows[0];
}

/** Keys in one statement. */
const keysAtOnce = 10_000;

/** The keys of a census, as the warehouse writes them. An object that S3 has lost has none. */
async function readKeys(
  warehouse: pg.Client,
  table: Exclude<WarehouseTable, { kind: 'calendar' }>,
  {
    census,
    processed,
    keyTypes,
  }: {
    census: NewestCensus;
    processed: Pick<ObjectStore, 'get'>;
    keyTypes: readonly ColumnType[];
  },
): Promise<ReadonlySet<string>> {
  const object = await processed.get(census.key);
  const keys = new Set<string>();
  if (object === undefined) return keys;
  const { columns } = censusTableOf(table);
  const batches = await readParquet(censusTableOf(table), census.key, object.body);
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
