import type { RecordBatch } from 'apache-arrow';
import { formatType } from '../../../shared/model/define.ts';
import type { Fact, WarehouseColumn } from '../../../shared/model/model.ts';
import { quoteIdentifier, quoteQualified } from '../../../shared/postgres/identifier.ts';
import { listMissingTables } from '../../../shared/warehouse/missing-tables.ts';
import { distinctValues } from '../rows/column-values.ts';
import { keyTexts } from '../rows/key-texts.ts';
import type { Warehouse } from '../rows/put-rows.ts';

/**
 * The same warehouse, with the tables that are absent now. A table that was made again while this transaction waited for a
 * lock may have its rows by then, and nobody would release what is parked for want of them.
 */
export async function lookForAbsent(warehouse: Warehouse): Promise<Warehouse> {
  const { client, model, schema } = warehouse;
  return { ...warehouse, absent: new Set(await listMissingTables(client, model, schema)) };
}

/** Whether every dimension row that these rows reference exists. Checks each distinct id once, not each row. */
export async function hasAllDimensions(
  warehouse: Warehouse,
  fact: Fact,
  batches: readonly RecordBatch[],
): Promise<boolean> {
  const { absent } = warehouse;
  if (fact.columns.some(({ references }) => references !== undefined && absent.has(references))) return false;
  for (const reference of dimensionReferences(fact, warehouse)) {
    const keys = distinctValues(batches, reference.index);
    if (!(await areAllThere(warehouse, reference, keys))) return false;
  }
  return true;
}

/** An SQL condition: every dimension row exists that the fact's row of this alias references. A table that is absent has none. */
export const hasReferences = (alias: string, fact: Fact, warehouse: Warehouse): string =>
  dimensionReferences(fact, warehouse)
    .map(({ column, dimension, key, isAbsent }) => {
      const name = `${alias}.${quoteIdentifier(column.name)}`;
      const exists = isAbsent ? 'false' : `exists (select from ${dimension} d where d.${key} = ${name})`;
      return column.nullable ? `(${name} is null or ${exists})` : exists;
    })
    .join('\n      and ') || 'true';

/** A fact's column that holds keys of a dimension. */
interface DimensionReference {
  column: WarehouseColumn;
  /** Of the column. */
  index: number;
  /** The dimension and its key, quoted. */
  dimension: string;
  key: string;
  isAbsent: boolean;
}

/** The fact's references, except those to the calendar: no fact ever waits for a date. */
function dimensionReferences(
  fact: Fact,
  { model, schema, absent }: Pick<Warehouse, 'model' | 'schema' | 'absent'>,
): DimensionReference[] {
  return fact.columns.flatMap((column, index) => {
    if (column.references === undefined || column.references === model.calendar?.name) return [];
    const [key = ''] = model.table(column.references).key;
    return [
      {
        column,
        index,
        dimension: quoteQualified(schema, column.references),
        key: quoteIdentifier(key),
        isAbsent: absent.has(column.references),
      },
    ];
  });
}

async function areAllThere(
  { client }: Warehouse,
  { column, dimension, key }: DimensionReference,
  keys: readonly (number | string)[],
): Promise<boolean> {
  const type = formatType(column.type);
  const isWhole = ['smallint', 'int', 'bigint'].includes(column.type.name);
  // An array of a carried type may be an array of arrays, which unnest would take apart.
  const wanted = isWhole ? `unnest($1::${type}[])` : `(select text::${type} from unnest($1::text[]) as text)`;
  const { rowCount } = await client.query(
    `select from ${wanted} as wanted (id)
     where not exists (select from ${dimension} d where d.${key} = wanted.id)
     limit 1`,
    // pg takes many times as long to write an array of numbers as join does, and text needs its escapes.
    [isWhole ? `{${keys.join(',')}}` : keyTexts(column.type, keys)],
  );
  return rowCount === 0;
}
