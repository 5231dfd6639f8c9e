import type pg from 'pg';
import { quoteIdentifier } from '../../../shared/postgres/identifier.ts';
import { isNewer, matches } from '../../../shared/warehouse/is-newer.ts';
import type { Key } from '../../../shared/warehouse/relation.ts';
import { objectIdColumn } from '../../../shared/warehouse/warehouse-schema.ts';
import { type KeyValues, selectKey } from '../doubled-key.ts';
import type { LoadTarget } from '../load-target.ts';
import { limitWaiting } from './limit-waiting.ts';

/** Enough for some three million keys to be sorted at once. */
const sortMemory = '128MB';

/**
 * Two indexes are built at once: each by one process, for a third and a fourth would only share the cores with them, and
 * with memory to sort in. With both, a million rows' keys take 0.28 s in place of 0.38.
 */
export async function prepareBuilding(
  client: pg.ClientBase,
  { lockTimeoutSeconds }: { lockTimeoutSeconds?: number } = {},
): Promise<void> {
  await limitWaiting(client);
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

/** @returns of the fact's rows, in bytes */
export async function selectSize(client: pg.ClientBase, { table }: LoadTarget): Promise<number> {
  const { rows } = await client.query<{ bytes: number }>(
    'select pg_table_size($1::regclass)::float8 as bytes',
    [table],
  );
  return rows[0]?.bytes ?? 0;
}

/** Waits for the loads that are at it, and keeps others out until the transaction ends; readers read on. */
export async function lockFact(client: pg.ClientBase, { table }: LoadTarget): Promise<void> {
  await client.query(`lock table ${table} in share mode`);
}

/** Those that are there already stay as they are. */
export async function createIndexes(
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
 * Makes what has been built for these keys the table's keys, whoever has built it. A key whose name another relation has,
 * such as the key of a table that had this name before, keeps the index's.
 */
export async function adoptIndexes(
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

/**
 * Looks for rows of one object that share a key and differ in another value: neither is newer than the other.
 *
 * @returns such a key
 */
export async function selectDoubledKey(
  client: pg.ClientBase,
  { table, columns, key }: LoadTarget,
): Promise<KeyValues | undefined> {
  const objectId = quoteIdentifier(objectIdColumn);
  const row = (alias: string) => `(${columns.map((column) => `${alias}.${column}`).join(', ')})`;
  const { rows } = await client.query<{ key: KeyValues }>(`
    select ${selectKey(key, 't')} from ${table} t join ${table} o
        on ${matches(key, 'o', 't')} and o.${objectId} = t.${objectId} and o.ctid < t.ctid
     where ${row('o')} is distinct from ${row('t')} limit 1`);
  return rows[0]?.key;
}

/** Of rows with one key the newest stays. Equal versions show the same row. */
export async function dropOlder(client: pg.ClientBase, { table, key }: LoadTarget): Promise<void> {
  await client.query(`
    delete from ${table} t using ${table} o
    where ${matches(key, 'o', 't')} and o.ctid <> t.ctid
      and (${isNewer('o', 't')} or (o.ctid < t.ctid and not ${isNewer('t', 'o')}))`);
}
