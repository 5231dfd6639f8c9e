import { quoteQualified } from '../postgres/identifier.ts';
import type { SourceName } from './define.ts';

/** The name of a source table everywhere but in SQL: `staff`, or `sales.staff` outside of the default schema. */
export const sourceNameOf = ({ schema, table }: SourceName): string =>
  schema === undefined ? table : `${schema}.${table}`;

/** A source table as SQL names it. */
export const quoteSource = ({ schema, table }: SourceName, defaultSchema: string): string =>
  quoteQualified(schema ?? defaultSchema, table);
