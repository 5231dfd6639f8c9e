import { createHash } from 'node:crypto';
import { censusFolder } from '../../object-store/object-key.ts';
import { quoteQualified } from '../../postgres/identifier.ts';

/** Where the pipeline keeps its own tables in the warehouse's database. */
export const ledgerSchema = 'starlift';

/** One row for each processed object that is in the warehouse. Its id is what `_object_id` names. */
export const ledgerTable = quoteQualified(ledgerSchema, 'object');

/** One row for each migration that these tables have had: see ledger-relations.ts. */
export const migrationTable = quoteQualified(ledgerSchema, 'migration');

/** One row for each request to read the source in full again. */
export const resyncTable = quoteQualified(ledgerSchema, 'resync');

/** One row for each star table: what it was when its rows were counted last. */
export const tableTable = quoteQualified(ledgerSchema, 'table');

/** Rows that star tables gained or lost by other means than an object's load. Rows are only ever added. */
export const rowChangeTable = quoteQualified(ledgerSchema, 'row_change');

/** One row at most: which warehouse this is, and which source it belongs to. */
export const bindingTable = quoteQualified(ledgerSchema, 'binding');

/** One row for each census of a warehouse table; the ledger has its version. */
export const censusTable = quoteQualified(ledgerSchema, 'census');

/** One row for each time that a census has marked or removed rows of a warehouse table. Rows are only ever added. */
export const deletionTable = quoteQualified(ledgerSchema, 'deletion');

/** An SQL condition: the ledger's entry of this alias is a census'. It has an id and a version, and no rows. */
export const isCensus = (entry: string): string => `starts_with(${entry}.key, '${censusFolder}')`;

/** The name of the table, without its schema, that holds a fact's waiting rows. */
export const parkedName = (fact: string): string => `parked_${fact}`;

/** Holds the fact's rows whose dimension rows have not been loaded yet. */
export const parkedTable = (fact: string): string => quoteQualified(ledgerSchema, parkedName(fact));

/** One row for each fact of which the warehouse refuses rows that no longer wait for a dimension. */
export const unreleasedTable = quoteQualified(ledgerSchema, 'unreleased');

/** One row for each fact that is in its initial load: its keys are built when that ends. */
export const initialLoadTable = quoteQualified(ledgerSchema, 'initial_load');

/** The first key of each of the pipeline's advisory locks in the warehouse's database: 'star' in ASCII. */
const pipeline = 0x73746172;

/** The two keys of each of the pipeline's advisory locks; all are held to the end of their transaction. */
export const warehouseLocks = {
  /** Held while tables are made. */
  tables: [pipeline, 1],
  /**
   * All dimensions together: shared by a fact's load while it parks rows, exclusive to a dimension's load while
   * it releases them. One lock for each dimension would park a row forever whose two missing dimensions arrive
   * together: neither load sees the other's row.
   */
  dimensions: [pipeline, 2],
} as const;

/** The first key of the locks of single tables, so that none of them is one of the above. */
const tables = pipeline + 1;

/**
 * The keys of a warehouse table's lock. Whoever writes into the table or into its waiting rows holds it shared, from before its
 * look at the ledger to its commit; a census holds it exclusive. Two tables may share a lock.
 */
export const tableLock = (table: string): [number, number] => [
  tables,
  createHash('sha256').update(table).digest().readInt32BE(),
];
