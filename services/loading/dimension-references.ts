import type { RecordBatch } from 'apache-arrow';
import type pg from 'pg';
import { quoteIdentifier, quoteQualified } from '../../shared/postgres/identifier.ts';
import type { Fact, StarSchema, WarehouseColumn } from '../../shared/star-schema/assemble.ts';
import { distinctValues } from './column-values.ts';
import { areAllThere, type DimensionReference } from './sql/missing-references.ts';

interface ColumnReference {
  column: WarehouseColumn;
  index: number;
  reference: DimensionReference;
}

/** The fact's references but those to the calendar: no fact ever waits for a date. */
export const dimensionReferences = (fact: Fact, model: StarSchema, schema: string): DimensionReference[] =>
  columnReferences(fact, model, schema).map(({ reference }) => reference);

/** Whether every dimension row is there that these rows name; checked by the distinct ids, not by the row. */
export async function hasAllDimensions(
  client: pg.ClientBase,
  { fact, model, schema }: { fact: Fact; model: StarSchema; schema: string },
  batches: readonly RecordBatch[],
): Promise<boolean> {
  for (const { column, index, reference } of columnReferences(fact, model, schema)) {
    const keys = distinctValues(batches, index);
    if (!(await areAllThere(client, reference, column.type.name, keys))) return false;
  }
  return true;
}

/** The days that these rows name, since 1970-01-01. */
export function namedDays(fact: Fact, model: StarSchema, batches: readonly RecordBatch[]): Set<number> {
  const indexes = fact.columns.flatMap(({ references }, index) =>
    references === model.calendar.name ? [index] : [],
  );
  return new Set(indexes.flatMap((index) => distinctValues(batches, index).map(Number)));
}

function columnReferences(fact: Fact, model: StarSchema, schema: string): ColumnReference[] {
  return fact.columns.flatMap((column, index) => {
    if (column.references === undefined || column.references === model.calendar.name) return [];
    const reference = {
      column: quoteIdentifier(column.name),
      nullable: column.nullable,
      dimension: quoteQualified(schema, column.references),
      key: quoteIdentifier(model.table(column.references).key),
    };
    return [{ column, index, reference }];
  });
}
