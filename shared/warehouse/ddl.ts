import { quoteIdentifier } from '../postgres/identifier.ts';
import type { StarSchema } from '../star-schema/assemble.ts';
import { ledgerRelations, ledgerSchema } from './ledger-schema.ts';
import { createStatements, type DdlOptions } from './relation.ts';
import { warehouseRelations } from './warehouse-schema.ts';

export interface WarehouseDdlOptions extends DdlOptions {
  /** The schema that the star schema's tables are made in. */
  schema: string;
}

/** The statements that make the star schema's tables in an empty schema, from the model alone. */
export const warehouseDdl = (model: StarSchema, options: WarehouseDdlOptions): string[] => [
  `create schema if not exists ${quoteIdentifier(options.schema)}`,
  ...warehouseRelations(model, options.schema).flatMap((relation) => createStatements(relation, options)),
];

/** The statements that make the pipeline's own tables beside them: the ledger and the facts that wait. */
export const ledgerDdl = (model: StarSchema, options: DdlOptions): string[] => [
  `create schema if not exists ${quoteIdentifier(ledgerSchema)}`,
  ...ledgerRelations(model).flatMap((relation) => createStatements(relation, options)),
];
