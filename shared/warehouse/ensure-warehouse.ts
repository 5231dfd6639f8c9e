import type pg from 'pg';
import { TerminalError } from '../errors.ts';
import { quoteIdentifier, quoteQualified } from '../postgres/identifier.ts';
import { inSnapshot, inTransaction } from '../postgres/transaction.ts';
import type { StarSchema } from '../star-schema/assemble.ts';
import { warehouseLocks } from './advisory-locks.ts';
import { findDifferences } from './compare-relation.ts';
import { enforce, findUnenforced } from './enforce-foreign-keys.ts';
import { beginInitialLoad, endInitialLoad, selectInitialLoads } from './initial-loads.ts';
import { ledgerRelations, ledgerSchema, ledgerTable } from './ledger-schema.ts';
import { migrateLedger } from './migrate-ledger.ts';
import { type CatalogRelation, readCatalog } from './read-catalog.ts';
import {
  createStatements,
  type DdlOptions,
  type ForeignKeys,
  type Relation,
  withoutKeys,
} from './relation.ts';
import { requestResync } from './resync.ts';
import { objectIdColumn, warehouseRelations } from './warehouse-schema.ts';

export interface EnsureOptions {
  /** The schema of the star schema's tables; the ledger has its own. */
  schema: string;
  foreignKeys: ForeignKeys;
  /** A fact that is made gets its keys when its initial load ends: it loads three times as fast until then. */
  deferKeys?: boolean;
}

/** The star schema's tables that are there, and are not as the model wants them; each with the reason. */
export type RefusedTables = ReadonlyMap<string, TerminalError>;

/**
 * Makes what is missing of the warehouse, as `prepareWarehouse` does, where all that is there is the model's.
 *
 * @throws {TerminalError} a table is there with other columns, types or keys; the message names each
 */
export async function ensureWarehouse(
  client: pg.ClientBase,
  model: StarSchema,
  options: EnsureOptions,
): Promise<void> {
  for (const refusal of (await prepareWarehouse(client, model, options)).values()) throw refusal;
}

/**
 * Makes what is missing of the warehouse's tables and of the pipeline's own, foreign keys included where they are to be
 * enforced. The pipeline's own tables are migrated where an older version has made them; nothing else that is there is
 * changed, and nothing is dropped. When all is there this is a handful of queries. Any number may call it at once. Where
 * a table is refused, none is made.
 *
 * A ledger that is made while the star schema's tables have rows has lost what it knew of them: a resync is requested.
 *
 * @throws {TerminalError} one of the pipeline's own tables is not as it was made, or a newer version has made it
 */
export async function prepareWarehouse(
  client: pg.ClientBase,
  model: StarSchema,
  { schema, foreignKeys, deferKeys = false }: EnsureOptions,
): Promise<RefusedTables> {
  await migrateLedger(client);
  const relations = [...ledgerRelations(model), ...warehouseRelations(model, schema)];
  const { missing, refused } = await compareAll(client, relations);
  if (refused.size > 0) {
    // Keys and references of what is missing may lead to a table that is refused.
    if (missing.length > 0) for (const refusal of refused.values()) throw refusal;
    return refused;
  }
  const findLax = async () => (foreignKeys === 'enforced' ? findUnenforced(client, relations) : []);
  if (missing.length === 0 && (await findLax()).length === 0) return refused;
  await inTransaction(client, async () => {
    await client.query('select pg_advisory_xact_lock($1, $2)', [...warehouseLocks.tables]);
    const serverVersion = await readServerVersion(client);
    const { missing } = await compare(client, relations);
    const isLedgerLost = missing.some(isLedger) && (await hasRows(client, relations, missing));
    await create(client, missing, { foreignKeys, serverVersion, deferred: deferKeys ? factsOf(model) : [] });
    for (const fact of factsOf(model).filter((name) => missing.some((relation) => relation.name === name)))
      await (deferKeys ? beginInitialLoad : endInitialLoad)(client, fact);
    await enforce(client, relations, await findLax());
    if (isLedgerLost)
      await requestResync(client, 'the ledger was made anew, and the tables had rows already');
  });
  return refused;
}

const isLedger = ({ schema, name }: Relation): boolean => quoteQualified(schema, name) === ledgerTable;

/** Whether any table that is loaded from objects is there with rows; the calendar's are made of dates. */
async function hasRows(
  client: pg.ClientBase,
  relations: readonly Relation[],
  missing: readonly Relation[],
): Promise<boolean> {
  const loaded = relations.filter(
    ({ schema, columns }) =>
      schema !== ledgerSchema && columns.some(({ name, nullable }) => name === objectIdColumn && !nullable),
  );
  for (const { schema, name } of loaded.filter((each) => !missing.includes(each))) {
    const { rowCount } = await client.query(`select from ${quoteQualified(schema, name)} limit 1`);
    if (rowCount === 1) return true;
  }
  return false;
}

interface Comparison {
  missing: Relation[];
  refused: Map<string, TerminalError>;
}

async function compareAll(client: pg.ClientBase, relations: readonly Relation[]): Promise<Comparison> {
  const found = compareWith(await readCatalog(client, relations), relations, new Set());
  if (found.refused.size === 0) return found;
  // Perhaps it is only the keys that are to come. In one snapshot: others make facts, and build their keys.
  return inSnapshot(client, () => compare(client, relations));
}

/** Where nothing of this is made meanwhile. */
async function compare(client: pg.ClientBase, relations: readonly Relation[]): Promise<Comparison> {
  // In this order: the keys of one that is in its initial load may be built between the two.
  const loading = await selectInitialLoads(client);
  return compareWith(await readCatalog(client, relations), relations, loading);
}

function compareWith(
  catalog: readonly CatalogRelation[],
  relations: readonly Relation[],
  loading: ReadonlySet<string>,
): Comparison {
  const missing: Relation[] = [];
  const refused = new Map<string, TerminalError>();
  for (const wanted of relations) {
    const found = catalog.find(({ schema, name }) => schema === wanted.schema && name === wanted.name);
    if (found === undefined) {
      missing.push(wanted);
      continue;
    }
    const differences = findDifferences(loading.has(wanted.name) ? withoutKeys(wanted) : wanted, found);
    if (differences.length === 0) continue;
    const refusal = new TerminalError(
      `the warehouse's table ${wanted.schema}.${wanted.name} is not the model's: ${differences.join('; ')}`,
      { table: wanted.name },
    );
    // The pipeline's own: nothing can be loaded without them.
    if (wanted.schema === ledgerSchema) throw refusal;
    refused.set(wanted.name, refusal);
  }
  return { missing, refused };
}

async function readServerVersion(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
  );
  return rows[0]?.version ?? 0;
}

async function create(
  client: pg.ClientBase,
  missing: readonly Relation[],
  { deferred, ...options }: DdlOptions & { deferred: readonly string[] },
): Promise<void> {
  for (const schema of new Set(missing.map(({ schema }) => schema))) await createSchema(client, schema);
  const made = missing.map((relation) =>
    deferred.includes(relation.name) ? withoutKeys(relation) : relation,
  );
  // Sixty statements, of which each would wait for the one before it to come back.
  await client.query(made.flatMap((relation) => createStatements(relation, options)).join(';\n'));
}

const factsOf = (model: StarSchema): string[] =>
  model.tables.filter(({ kind }) => kind === 'fact').map(({ name }) => name);

/** `create schema if not exists` asks for the right to create one even where it is there. */
async function createSchema(client: pg.ClientBase, schema: string): Promise<void> {
  const { rowCount } = await client.query('select from pg_namespace where nspname = $1', [schema]);
  if (rowCount === 0) await client.query(`create schema ${quoteIdentifier(schema)}`);
}
