import type pg from 'pg';
import { TerminalError } from '../errors.ts';
import { quoteIdentifier } from '../postgres/identifier.ts';
import { inTransaction } from '../postgres/transaction.ts';
import type { StarSchema } from '../star-schema/assemble.ts';
import { warehouseLocks } from './advisory-locks.ts';
import { findDifferences } from './compare-relation.ts';
import { enforce, findUnenforced } from './enforce-foreign-keys.ts';
import { ledgerRelations } from './ledger-schema.ts';
import { readCatalog } from './read-catalog.ts';
import { createStatements, type DdlOptions, type ForeignKeys, type Relation } from './relation.ts';
import { warehouseRelations } from './warehouse-schema.ts';

export interface EnsureOptions {
  /** The schema of the star schema's tables; the ledger has its own. */
  schema: string;
  foreignKeys: ForeignKeys;
}

/**
 * Makes what is missing of the warehouse's tables and of the pipeline's own beside them, foreign keys included
 * where they are to be enforced. Nothing else that is there is changed and nothing is dropped; when all is there
 * this is one query, or two. Any number may call it at once.
 *
 * @throws {TerminalError} a table is there with other columns, types or keys; the message names each
 */
export async function ensureWarehouse(
  client: pg.ClientBase,
  model: StarSchema,
  { schema, foreignKeys }: EnsureOptions,
): Promise<void> {
  const relations = [...ledgerRelations(model), ...warehouseRelations(model, schema)];
  const findLax = async () => (foreignKeys === 'enforced' ? findUnenforced(client, relations) : []);
  if ((await findMissing(client, relations)).length === 0 && (await findLax()).length === 0) return;
  await inTransaction(client, async () => {
    await client.query('select pg_advisory_xact_lock($1, $2)', [...warehouseLocks.tables]);
    const serverVersion = await readServerVersion(client);
    await create(client, await findMissing(client, relations), { foreignKeys, serverVersion });
    await enforce(client, relations, await findLax());
  });
}

async function findMissing(client: pg.ClientBase, relations: readonly Relation[]): Promise<Relation[]> {
  const catalog = await readCatalog(client, relations);
  const pairs = relations.map((wanted) => ({
    wanted,
    found: catalog.find(({ schema, name }) => schema === wanted.schema && name === wanted.name),
  }));
  for (const { wanted, found } of pairs) {
    const [first, ...rest] = found === undefined ? [] : findDifferences(wanted, found);
    if (first === undefined) continue;
    const name = `${wanted.schema}.${wanted.name}`;
    throw new TerminalError(
      `the warehouse's table ${name} is not the model's: ${[first, ...rest].join('; ')}`,
      { table: wanted.name },
    );
  }
  return pairs.filter(({ found }) => found === undefined).map(({ wanted }) => wanted);
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
