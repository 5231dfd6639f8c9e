import type pg from 'pg';
import type { Database } from '../../shared/postgres/database.ts';
import { isObjectNotReady, isUniqueViolation } from '../../shared/postgres/sqlstate.ts';
import { inTransaction } from '../../shared/postgres/transaction.ts';
import type { Fact, StarSchema } from '../../shared/star-schema/assemble.ts';
import { findMissingKeys } from '../../shared/warehouse/compare-relation.ts';
import { endInitialLoad } from '../../shared/warehouse/initial-loads.ts';
import { readCatalog } from '../../shared/warehouse/read-catalog.ts';
import { type Key, keysOf } from '../../shared/warehouse/relation.ts';
import { warehouseRelations } from '../../shared/warehouse/warehouse-schema.ts';
import { makeDoubledKeyError } from './doubled-key.ts';
import { type LoadTarget, warehouseTarget } from './load-target.ts';
import {
  adoptIndexes,
  createIndexes,
  dropOlder,
  lockFact,
  prepareBuilding,
  selectDoubledKey,
  selectSize,
} from './sql/build-keys.ts';

export interface BuildDeps {
  database: Pick<Database, 'withClient'>;
  model: StarSchema;
  /** The schema of the star schema's tables. */
  schema: string;
  /** A table from this size on has its keys built on two connections: 16 MiB. */
  minSharedBytes?: number;
}

/**
 * Ends the fact's initial load, if it is in one: of the rows with one key the newest stays, and the fact has its keys.
 * Any number may call it at once. Readers read on, loads wait.
 *
 * One index is built on this connection, in the transaction that ends the initial load, and one of a large table on
 * another connection meanwhile, for the server has a core for each. That one is committed by itself: a fact is right
 * with it and without it, as no two rows share a surrogate key.
 */
export async function buildKeys(client: pg.ClientBase, fact: Fact, deps: BuildDeps): Promise<void> {
  const target = warehouseTarget(fact, deps.schema);
  await inTransaction(client, async () => {
    await prepareBuilding(client);
    if (!(await endInitialLoad(client, fact.name))) return;
    const { keys, missing } = await selectKeys(client, fact, deps);
    const surrogate = missing.filter(({ isPrimary }) => isPrimary);
    const business = missing.filter(({ isPrimary }) => !isPrimary);
    const { database, minSharedBytes = 16 * 2 ** 20 } = deps;
    const isShared = (await selectSize(client, target)) >= minSharedBytes;
    const elsewhere = createElsewhere(database, target, isShared ? surrogate : []);
    let hasDoubles: boolean;
    try {
      // In this order nobody who waits for the table comes between the two.
      await elsewhere.hasLock;
      await lockFact(client, target);
      hasDoubles = !(await createUnlessDoubled(client, target, business));
    } finally {
      await elsewhere.isOver;
    }
    await createIndexes(client, target, surrogate);
    if (hasDoubles) {
      await dropDoubles(client, target, surrogate);
      await createIndexes(client, target, business);
    }
    await adoptIndexes(client, target, keys);
  });
}

/** All keys of the fact, and those that its owner has not added already. */
async function selectKeys(
  client: pg.ClientBase,
  { name }: Fact,
  { model, schema }: BuildDeps,
): Promise<{ keys: Key[]; missing: Key[] }> {
  const relations = warehouseRelations(model, schema).filter((relation) => relation.name === name);
  const found = await readCatalog(client, relations);
  const keys = relations.flatMap((relation) => found.flatMap(({ oid }) => keysOf(relation, oid)));
  const missing = relations.flatMap((relation) => found.flatMap((each) => findMissingKeys(relation, each)));
  return { keys, missing: keys.filter(({ columns }) => missing.includes(columns)) };
}

/** What goes wrong there is done on the first connection, and fails on it if it must. */
function createElsewhere(database: BuildDeps['database'], target: LoadTarget, keys: readonly Key[]) {
  const locked = Promise.withResolvers<void>();
  const create = (client: pg.ClientBase) =>
    inTransaction(client, async () => {
      await prepareBuilding(client, { lockTimeoutSeconds: 20 });
      await lockFact(client, target);
      locked.resolve();
      await createIndexes(client, target, keys);
    });
  const isOver = (keys.length === 0 ? Promise.resolve() : database.withClient(create))
    .catch(() => {})
    .finally(locked.resolve);
  return { hasLock: locked.promise, isOver };
}

/**
 * A publication for all tables refuses deletes from a table without a primary key: there the table gets it first, and
 * readers wait until the transaction ends.
 */
async function dropDoubles(
  client: pg.ClientBase,
  target: LoadTarget,
  surrogate: readonly Key[],
): Promise<void> {
  const doubled = await selectDoubledKey(client, target);
  if (doubled !== undefined) throw makeDoubledKeyError(target, doubled);
  await client.query('savepoint published');
  try {
    await dropOlder(client, target);
  } catch (error) {
    if (!isObjectNotReady(error)) throw error;
    await client.query('rollback to savepoint published');
    await adoptIndexes(client, target, surrogate);
    await dropOlder(client, target);
  }
}

/** @returns false where rows share a key; then nothing has happened */
async function createUnlessDoubled(
  client: pg.ClientBase,
  target: LoadTarget,
  keys: readonly Key[],
): Promise<boolean> {
  await client.query('savepoint doubled');
  try {
    await createIndexes(client, target, keys);
    return true;
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    await client.query('rollback to savepoint doubled');
    return false;
  }
}
