import type pg from 'pg';
import { quoteIdentifier, quoteQualified } from '../../../shared/postgres/identifier.ts';
import type { Fact, StarSchema, WarehouseTable } from '../../../shared/star-schema/assemble.ts';
import { parkedTable } from '../../../shared/warehouse/ledger-schema.ts';
import { businessKey, objectIdColumn } from '../../../shared/warehouse/warehouse-schema.ts';

/** What a load works on: a connection, in the load's transaction. */
export interface Warehouse {
  client: pg.PoolClient;
  model: StarSchema;
  /** The schema of the star schema's tables. */
  schema: string;
}

/** A table that rows are put into. Every name is quoted for SQL. */
export interface LoadTarget {
  table: string;
  /** The columns of an object's rows, in their order, and last the object's id. */
  columns: readonly string[];
  /** The columns that identify a row. */
  key: readonly string[];
}

/** The warehouse table itself. */
export function warehouseTarget(table: WarehouseTable, schema: string): LoadTarget {
  return {
    table: quoteQualified(schema, table.name),
    columns: [...table.columns.map(({ name }) => name), objectIdColumn].map(quoteIdentifier),
    key: businessKey(table).map(quoteIdentifier),
  };
}

/** The table in which the fact's rows wait for their dimension rows. */
export const parkedTarget = (fact: Fact, schema: string): LoadTarget => ({
  ...warehouseTarget(fact, schema),
  table: parkedTable(fact.name),
});
