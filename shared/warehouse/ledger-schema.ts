import { quoteQualified } from '../postgres/identifier.ts';
import type { Fact, StarSchema } from '../star-schema/assemble.ts';
import { businessKey } from './business-key.ts';
import type { Relation } from './relation.ts';
import { factColumns } from './warehouse-schema.ts';

/** Where the pipeline keeps its own tables in the warehouse's database. */
export const ledgerSchema = 'starlift';

/** One row for each processed object that is in the warehouse. Its id is what `_object_id` names. */
export const ledgerTable = quoteQualified(ledgerSchema, 'object');

/** One row at most: which warehouse this is, and which source it belongs to. */
export const bindingTable = quoteQualified(ledgerSchema, 'binding');

export const parkedName = (fact: string): string => `parked_${fact}`;

/** Where the fact's rows wait whose dimensions have not landed. */
export const parkedTable = (fact: string): string => quoteQualified(ledgerSchema, parkedName(fact));

/** One row for each fact whose rows the warehouse does not take though they wait for nothing any more. */
export const unreleasedTable = quoteQualified(ledgerSchema, 'unreleased');

/** One row for each fact that is in its initial load: its keys are built when that ends. */
export const initialLoadTable = quoteQualified(ledgerSchema, 'initial_load');

/** The pipeline's own tables: the ledger, the binding, and for the facts those for the rows that wait. */
export function ledgerRelations(model: StarSchema): Relation[] {
  const facts = model.tables.filter((table) => table.kind === 'fact');
  const single = [ledgerRelation, bindingRelation, unreleasedRelation, initialLoadRelation];
  return [...single, ...facts.map(parkedRelation)];
}

const ledgerRelation: Relation = {
  schema: ledgerSchema,
  name: 'object',
  columns: [
    { name: 'object_id', type: 'int8', nullable: false, generated: 'generated always as identity' },
    { name: 'key', type: 'text', nullable: false },
    { name: 'warehouse_table', type: 'text', nullable: false },
    { name: 'run', type: 'text', nullable: false },
    { name: 'slice', type: 'text', nullable: false },
    { name: 'rows', type: 'int8', nullable: false },
    { name: 'quarantined', type: 'int8', nullable: false },
    { name: 'generation', type: 'int8', nullable: false },
    // The version: Postgres keeps the names xmax and xmin for itself.
    { name: 'snapshot_xmax', type: 'int8', nullable: false },
    { name: 'snapshot_xmin', type: 'int8', nullable: false },
    { name: 'tie', type: 'int8', nullable: false },
    { name: 'revision', type: 'int', nullable: false },
    { name: 'loaded_at', type: 'timestamptz', nullable: false, generated: 'default clock_timestamp()' },
  ],
  primaryKey: ['object_id'],
  uniques: [['key']],
  references: [],
  afterwards: [`create index on ${ledgerTable} (run)`],
};

const bindingRelation: Relation = {
  schema: ledgerSchema,
  name: 'binding',
  columns: [
    { name: 'warehouse_id', type: 'uuid', nullable: false },
    { name: 'source_id', type: 'text', nullable: true },
  ],
  uniques: [],
  references: [],
  // Over a constant, so that there is room for one row.
  afterwards: [`create unique index on ${bindingTable} ((true))`],
};

const unreleasedRelation: Relation = {
  schema: ledgerSchema,
  name: 'unreleased',
  columns: [
    { name: 'warehouse_table', type: 'text', nullable: false },
    // Whose load has tried it last.
    { name: 'tried_by', type: 'text', nullable: false },
    { name: 'reason', type: 'text', nullable: false },
    { name: 'since', type: 'timestamptz', nullable: false, generated: 'default clock_timestamp()' },
  ],
  primaryKey: ['warehouse_table'],
  uniques: [],
  references: [],
};

const initialLoadRelation: Relation = {
  schema: ledgerSchema,
  name: 'initial_load',
  columns: [
    { name: 'warehouse_table', type: 'text', nullable: false },
    // Unknown until the first object comes.
    { name: 'run', type: 'text', nullable: true },
  ],
  primaryKey: ['warehouse_table'],
  uniques: [],
  references: [],
};

function parkedRelation(fact: Fact): Relation {
  return {
    schema: ledgerSchema,
    name: parkedName(fact.name),
    columns: factColumns(fact),
    uniques: [businessKey(fact)],
    references: [],
  };
}
