import { quoteQualified } from '../postgres/identifier.ts';
import type { Fact, StarSchema } from '../star-schema/assemble.ts';
import { idsFromClock, migrations } from './migrations.ts';
import type { Relation } from './relation.ts';
import { businessKey, factColumns } from './warehouse-schema.ts';

/** Where the pipeline keeps its own tables in the warehouse's database. */
export const ledgerSchema = 'starlift';

/** One row for each processed object that is in the warehouse. Its id is what `_object_id` names. */
export const ledgerTable = quoteQualified(ledgerSchema, 'object');

/** One row for each change of these tables that an existing warehouse has had: see migrations.ts. */
export const migrationTable = quoteQualified(ledgerSchema, 'migration');

/** One row for each time that the source has to be read in full again. */
export const resyncTable = quoteQualified(ledgerSchema, 'resync');

/** One row at most: which warehouse this is, and which source it belongs to. */
export const bindingTable = quoteQualified(ledgerSchema, 'binding');

export const parkedName = (fact: string): string => `parked_${fact}`;

/** The fact's rows whose dimensions have not landed wait here. */
export const parkedTable = (fact: string): string => quoteQualified(ledgerSchema, parkedName(fact));

/** One row for each fact of which the warehouse refuses rows that no longer wait for a dimension. */
export const unreleasedTable = quoteQualified(ledgerSchema, 'unreleased');

/** One row for each fact that is in its initial load: its keys are built when that ends. */
export const initialLoadTable = quoteQualified(ledgerSchema, 'initial_load');

/** The pipeline's own tables: the ledger, the binding and others, and for each fact one for its waiting rows. */
export function ledgerRelations(model: StarSchema): Relation[] {
  const facts = model.tables.filter((table) => table.kind === 'fact');
  const single = [
    migrationRelation,
    ledgerRelation,
    bindingRelation,
    unreleasedRelation,
    initialLoadRelation,
    resyncRelation,
  ];
  return [...single, ...facts.map(parkedRelation)];
}

const migrationRelation: Relation = {
  schema: ledgerSchema,
  name: 'migration',
  columns: [
    { name: 'number', type: 'int', nullable: false },
    { name: 'applied_at', type: 'timestamptz', nullable: false, generated: 'default clock_timestamp()' },
  ],
  primaryKey: ['number'],
  uniques: [],
  references: [],
  afterwards: [`insert into ${migrationTable} (number) select generate_series(1, ${migrations.length})`],
};

const ledgerRelation: Relation = {
  schema: ledgerSchema,
  name: 'object',
  columns: [
    { name: 'object_id', type: 'int8', nullable: false },
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
    // When it was loaded last: a replay changes it.
    { name: 'loaded_at', type: 'timestamptz', nullable: false, generated: 'default clock_timestamp()' },
    { name: 'entered_at', type: 'timestamptz', nullable: false, generated: 'default clock_timestamp()' },
  ],
  primaryKey: ['object_id'],
  uniques: [['key']],
  references: [],
  afterwards: [`create index on ${ledgerTable} (run)`, ...idsFromClock],
};

const bindingRelation: Relation = {
  schema: ledgerSchema,
  name: 'binding',
  columns: [
    { name: 'warehouse_id', type: 'uuid', nullable: false },
    { name: 'source_id', type: 'text', nullable: true },
  ],
  primaryKey: ['warehouse_id'],
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
    // The table whose load tried it last.
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

const resyncRelation: Relation = {
  schema: ledgerSchema,
  name: 'resync',
  columns: [
    { name: 'id', type: 'uuid', nullable: false, generated: 'default gen_random_uuid()' },
    { name: 'reason', type: 'text', nullable: false },
    { name: 'requested_at', type: 'timestamptz', nullable: false, generated: 'default clock_timestamp()' },
    // Null until the request lies in the ingested bucket, where the next plan finds it.
    { name: 'forwarded_at', type: 'timestamptz', nullable: true },
  ],
  primaryKey: ['id'],
  uniques: [],
  references: [],
};

/** With a primary key: a publication for all tables refuses updates and deletes of a table without one. */
function parkedRelation(fact: Fact): Relation {
  return {
    schema: ledgerSchema,
    name: parkedName(fact.name),
    columns: factColumns(fact),
    primaryKey: businessKey(fact),
    uniques: [],
    references: [],
  };
}
