import type pg from 'pg';
import { endInitialLoad } from '../../../shared/ledger/initial-loads.ts';
import { changeRows } from '../../../shared/ledger/table-counts.ts';
import type { Fact, Model } from '../../../shared/model/model.ts';
import type { Database } from '../../../shared/postgres/database.ts';
import { quoteIdentifier } from '../../../shared/postgres/identifier.ts';
import { isObjectNotReady, isUniqueViolation } from '../../../shared/postgres/server-error.ts';
import { inTransaction } from '../../../shared/postgres/transaction.ts';
import { findMissingKeys, readCatalog } from '../../../shared/warehouse/catalog.ts';
import { isNewer, matches } from '../../../shared/warehouse/is-newer.ts';
import { type Key, keysOf } from '../../../shared/warehouse/relation.ts';
import { objectIdColumn, warehouseRelations } from '../../../shared/warehouse/warehouse-schema.ts';
import { limitWaiting, type TablesToLock } from '../limit-waiting.ts';
import {
  comparableValues,
  type KeyValues,
  type LoadTarget,
  makeDoubledKeyError,
  selectKey,
  warehouseTarget,
} from '../rows/put-rows.ts';

export interface BuildDeps {
  database: Pick<Database, 'withClient'>;
  model: Model;
  /** The schema of the star schema's tables. */
  schema: string;
  /** A table from this size on has its keys built on two connections: 16 MiB. */
  minSharedBytes?: number;
}

/**
 * Ends the fact's initial load, if it is in one: removes all but the newest row of each key, and adds the keys. Any
 * number of loads may call it concurrently. Readers continue, loads wait.
 *
 * One index is built on this connection, in the transaction that ends the initial load. For a large table the other is
 * built on a second connection at the same time, on a core of its own. That one is committed separately: the fact is
 * correct with or without it, because no two rows share a surrogate key.
 */
export async function buildKeys(client: pg.ClientBase, fact: Fact, deps: BuildDeps): Promise<void> {
  const target = warehouseTarget(fact, deps.schema);
  await inTransaction(client, async () => {
    await prepareBuilding(client, { held: { tables: [fact.name], as: 'writer' } });
    if (!(await endInitialLoad(client, fact.name))) return;
    const { keys, missing } = await selectKeys(client, fact, deps);
    const isSurrogate = ({ isPrimary }: Key) => isPrimary && fact.surrogateKey !== undefined;
    const surrogate = missing.filter(isSurrogate);
    const business = missing.filter((key) => !isSurrogate(key));
    const { database, minSharedBytes = 16 * 2 ** 20 } = deps;
    const isShared = (await selectSize(client, target)) >= minSharedBytes;
    const second = createOnSecondConnection(database, target, isShared ? surrogate : []);
    let hasDoubles: boolean;
    try {
      // In this order no other transaction that waits for the table gets between the two.
      await second.hasLock;
      await lockFact(client, target);
      hasDoubles = !(await createUnlessDoubled(client, target, business));
    } finally {
      await second.isOver;
    }
    await createIndexes(client, target, surrogate);
    if (hasDoubles) {
      const dropped = await dropDoubles(client, target, surrogate);
      await changeRows(client, fact.name, -dropped, 'doubles dropped');
      await createIndexes(client, target, business);
    }
    await adoptIndexes(client, target, keys);
  });
}

/** Enough to sort some three million keys at once. */
const sortMemory = '128MB';

/**
 * Two indexes are built at once. Each gets one process, because more would only compete for the same cores, and enough
 * memory to sort in.
 */
async function prepareBuilding(
  client: pg.ClientBase,
  { lockTimeoutSeconds, held }: { lockTimeoutSeconds?: number } & Pick<TablesToLock, 'held'> = {},
): Promise<void> {
  await limitWaiting(client, { ...(held !== undefined && { held }) });
  if (lockTimeoutSeconds !== undefined) {
    await client.query(`set local lock_timeout = '${lockTimeoutSeconds}s'`);
  }
  await client.query('set local max_parallel_maintenance_workers = 0');
  await client.query(
    `select set_config('maintenance_work_mem', $1, true)
     where pg_size_bytes(current_setting('maintenance_work_mem')) < pg_size_bytes($1)`,
    [sortMemory],
  );
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

/** @returns of the fact's rows, in bytes */
async function selectSize(client: pg.ClientBase, { table }: LoadTarget): Promise<number> {
  const { rows } = await client.query<{ bytes: number }>(
    'select pg_table_size($1::regclass)::float8 as bytes',
    [table],
  );
  return rows[0]?.bytes ?? 0;
}

/**
 * If this fails, the first connection builds these indexes too, and reports what it cannot do. The lock of the table is the
 * first connection's alone: a census that waits for it would keep a second one out.
 */
function createOnSecondConnection(database: BuildDeps['database'], target: LoadTarget, keys: readonly Key[]) {
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
 * Waits for the loads that are writing to the fact, and keeps others out until the transaction ends; readers continue.
 */
async function lockFact(client: pg.ClientBase, { table }: LoadTarget): Promise<void> {
  await client.query(`lock table ${table} in share mode`);
}

/** @returns false if rows share a key; then nothing has happened */
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

/** An index that exists stays as it is. */
async function createIndexes(
  client: pg.ClientBase,
  { table }: LoadTarget,
  keys: readonly Key[],
): Promise<void> {
  for (const { index, columns } of keys) {
    const list = columns.map(quoteIdentifier).join(', ');
    await client.query(`create unique index if not exists ${quoteIdentifier(index)} on ${table} (${list})`);
  }
}

/**
 * @returns the number of rows dropped
 *
 * A publication for all tables refuses deletes from a table without a primary key: there the table gets it first, and
 * readers wait until the transaction ends.
 */
async function dropDoubles(
  client: pg.ClientBase,
  target: LoadTarget,
  surrogate: readonly Key[],
): Promise<number> {
  const doubled = await selectDoubledKey(client, target);
  if (doubled !== undefined) throw makeDoubledKeyError(target, doubled);
  await client.query('savepoint published');
  try {
    return await dropOlder(client, target);
  } catch (error) {
    if (!isObjectNotReady(error)) throw error;
    await client.query('rollback to savepoint published');
    await adoptIndexes(client, target, surrogate);
    return dropOlder(client, target);
  }
}

/**
 * @returns a key that two rows of one object share while they differ in another value: neither row is newer than the
 *   other
 */
async function selectDoubledKey(client: pg.ClientBase, target: LoadTarget): Promise<KeyValues | undefined> {
  const { table, key } = target;
  const objectId = quoteIdentifier(objectIdColumn);
  const row = (alias: string) => `(${comparableValues(target, alias).join(', ')})`;
  const { rows } = await client.query<{ key: KeyValues }>(`
    select ${selectKey(key, 't')} from ${table} t join ${table} o
        on ${matches(key, 'o', 't')} and o.${objectId} = t.${objectId} and o.ctid < t.ctid
     where ${row('o')} is distinct from ${row('t')} limit 1`);
  return rows[0]?.key;
}

/** Of the rows with one key the newest stays. Rows of equal version are equal. */
async function dropOlder(client: pg.ClientBase, { table, key }: LoadTarget): Promise<number> {
  const { rowCount } = await client.query(`
    delete from ${table} t using ${table} o
    where ${matches(key, 'o', 't')} and o.ctid <> t.ctid
      and (${isNewer('o', 't')} or (o.ctid < t.ctid and not ${isNewer('t', 'o')}))`);
  return rowCount ?? 0;
}

/**
 * Turns the indexes that were built for these keys, by this load or another, into the table's keys. If another relation
 * has the key's name, such as the key of a table that was renamed, the key keeps the name of its index.
 */
async function adoptIndexes(
  client: pg.ClientBase,
  { table }: LoadTarget,
  keys: readonly Key[],
): Promise<void> {
  const { rows } = await client.query<{ index: string; isNameFree: boolean }>(
    `select c.relname as index,
            to_regclass(format('%I.%I', n.nspname, wanted.name)) is null as "isNameFree"
       from unnest($2::text[], $3::text[]) as wanted (index, name)
       join pg_class c on c.relname = wanted.index
       join pg_namespace n on n.oid = c.relnamespace
       join pg_index i on i.indexrelid = c.oid and i.indrelid = $1::regclass
      where not exists (select from pg_constraint where conindid = c.oid)`,
    [table, keys.map(({ index }) => index), keys.map(({ name }) => name)],
  );
  const added = keys.flatMap(({ name, index, isPrimary }) => {
    const built = rows.find((row) => row.index === index);
    if (built === undefined) return [];
    const constraint = quoteIdentifier(built.isNameFree ? name : index);
    return [
      `add constraint ${constraint} ${isPrimary ? 'primary key' : 'unique'} using index ${quoteIdentifier(index)}`,
    ];
  });
  if (added.length === 0) return;
  await client.query(`alter table ${table} ${added.join(', ')}`);
}
