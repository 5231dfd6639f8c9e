import type pg from 'pg';
import { quoteIdentifier } from '../../../shared/postgres/identifier.ts';
import { isNewer, matches } from '../../../shared/warehouse/is-newer.ts';
import { objectIdColumn } from '../../../shared/warehouse/warehouse-schema.ts';
import type { LoadTarget } from './load-target.ts';

/**
 * Puts rows into their table: new keys are inserted; if the key is there, the row of the newer object stays.
 *
 * Two statements, because the guard needs the ledger entry of a row that another load has just committed, and the
 * statement that waited for that row does not see it. The first inserts or locks, in the order of the key, so that
 * no two loads wait for each other; the second finds everything it meets locked and settled.
 *
 * @param from a temporary table with the target's columns, no key in it twice
 */
export async function putRows(client: pg.ClientBase, target: LoadTarget, from: string): Promise<void> {
  const { rowCount: inserted } = await client.query(insertOrLock(target, from));
  const { rows } = await client.query<{ all: number }>(`select count(*)::int as all from ${from}`);
  if (inserted !== rows[0]?.all) await client.query(updateOlder(target, from));
}

/** Puts rows into a table that has no keys yet: rows that are there twice are found when the keys are built. */
export async function appendRows(client: pg.ClientBase, target: LoadTarget, from: string): Promise<void> {
  const list = target.columns.join(', ');
  await client.query(`insert into ${target.table} (${list}) select ${list} from ${from}`);
}

/** Inserts the rows whose key is not there yet; a row that is there stays as it is. */
export async function insertNewRows(client: pg.ClientBase, target: LoadTarget, from: string): Promise<void> {
  const columns = target.columns.join(', ');
  const key = target.key.join(', ');
  await client.query(`
    insert into ${target.table} (${columns})
    select ${columns} from ${from}
    order by ${key}
    on conflict (${key}) do nothing`);
}

const objectId = quoteIdentifier(objectIdColumn);

/** `on conflict do update` locks the existing row even if its condition is false. */
function insertOrLock({ table, columns, key }: LoadTarget, from: string): string {
  const list = columns.join(', ');
  return `
    insert into ${table} as t (${list})
    select ${list} from ${from}
    order by ${key.join(', ')}
    on conflict (${key.join(', ')}) do update set ${objectId} = t.${objectId} where false`;
}

function updateOlder({ table, columns, key }: LoadTarget, from: string): string {
  const values = columns.filter((column) => !key.includes(column));
  return `
    update ${table} t
    set ${values.map((column) => `${column} = s.${column}`).join(', ')}
    from ${from} s
    where ${matches(key, 's', 't')}
      and s.${objectId} <> t.${objectId} and ${isNewer('s', 't')}`;
}
