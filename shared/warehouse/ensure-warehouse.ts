import type pg from 'pg';
import { TerminalError } from '../errors.ts';
import { quoteIdentifier } from '../postgres/identifier.ts';
import { inTransaction } from '../postgres/transaction.ts';
import type { StarSchema } from '../star-schema/assemble.ts';
import { warehouseLocks } from './advisory-locks.ts';
import { findDifferences } from './compare-relation.ts';
import { enforce, findUnenforced } from './enforce-foreign-keys.ts';
import { ledgerRelations, ledgerSchema } from './ledger-schema.ts';
import { readCatalog } from './read-catalog.ts';
import { createStatements, type DdlOptions, type ForeignKeys, type Relation } from './relation.ts';
import { warehouseRelations } from './warehouse-schema.ts';

export interface EnsureOptions {
  /** The schema of the star schema's tables; the ledger has its own. */
  schema: string;
  foreignKeys: ForeignKeys;
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
 * Makes what is missing of the warehouse's tables and of the pipeline's own beside them, foreign keys included
 * where they are to be enforced. Nothing else that is there is changed and nothing is dropped; when all is there
 * this is one query, or two. Any number may call it at once. Where a table is refused, none is made.
 *
 * @throws {TerminalError} one of the pipeline's own tables is not as it was made
 */
export async function prepareWarehouse(
  client: pg.ClientBase,
  model: StarSchema,
  { schema, foreignKeys }: EnsureOptions,
): Promise<RefusedTables> {
  const relations = [...ledgerRelations(model), ...warehouseRelations(model, schema)];
  const { missing, refused } = await compare(client, relations);
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
    await create(client, missing, { foreignKeys, serverVersion });
    await enforce(client, relations, await findLax());
  });
  return refused;
}

async function compare(
  client: pg.ClientBase,
  relations: readonly Relation[],
): Promise<{ missing: Relation[]; refused: Map<string, TerminalError> }> {
  const catalog = await readCatalog(client, relations);
  const missing: Relation[] = [];
  const refused = new Map<string, TerminalError>();
  for (const wanted of relations) {
    const found = catalog.find(({ schema, name }) => schema === wanted.schema && name === wanted.name);
    if (found === undefined) {
      missing.push(wanted);
      continue;
    }
    const differences = findDifferences(wanted, found);
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
  options: DdlOptions,
): Promise<void> {
  for (const schema of new Set(missing.map(({ schema }) => schema))) await createSchema(client, schema);
  for (const statement of missing.flatMap((relation) => createStatements(relation, options))) {
    await client.query(statement);
  }
}

/** `create schema if not exists` asks for the right to create one even where it is there. */
async function createSchema(client: pg.ClientBase, schema: string): Promise<void> {
  const { rowCount } = await client.query('select from pg_namespace where nspname = $1', [schema]);
  if (rowCount === 0) await client.query(`create schema ${quoteIdentifier(schema)}`);
}
