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

/** Makes what has been built for these keys the table's keys, whoever has built it. */
export async function adoptIndexes(
  client: pg.ClientBase,
  { table }: LoadTarget,
  keys: readonly Key[],
): Promise<void> {
  const { rows } = await client.query<{ index: string }>(
    `select c.relname as index from pg_index i join pg_class c on c.oid = i.indexrelid
     where i.indrelid = $1::regclass and c.relname = any ($2)`,
    [table, keys.map(({ index }) => index)],
  );
  const built = keys.filter((key) => rows.some(({ index }) => index === key.index));
  if (built.length === 0) return;
  const added = built.map(
    ({ name, index, isPrimary }) =>
      `add constraint ${quoteIdentifier(name)} ${isPrimary ? 'primary key' : 'unique'}
       using index ${quoteIdentifier(index)}`,
  );
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
