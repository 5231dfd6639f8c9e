import type pg from 'pg';
import { type KeyValues, selectKey } from '../doubled-key.ts';
import type { LoadTarget } from '../load-target.ts';

/** Makes an empty temporary table with the target's columns, gone at the end of the transaction. */
export async function createStaging(client: pg.ClientBase, target: LoadTarget, name: string): Promise<void> {
  await client.query(`
    create temporary table ${name} on commit drop as
    select ${target.columns.join(', ')} from ${target.table} with no data`);
}

/**
 * Takes rows out that are there twice, value for value.
 *
 * @returns a key that is there twice even so, with other values
 */
export async function removeDoubles(
  client: pg.ClientBase,
  { columns, key }: LoadTarget,
  name: string,
): Promise<KeyValues | undefined> {
  const doubled = `select ${selectKey(key)} from ${name} group by ${key.join(', ')} having count(*) > 1 limit 1`;
  const findDoubled = async () => (await client.query<{ key: KeyValues }>(doubled)).rows[0]?.key;
  if ((await findDoubled()) === undefined) return undefined;
  const list = columns.join(', ');
  await client.query(`
    delete from ${name} where ctid in (
      select ctid from (select ctid, row_number() over (partition by ${list}) as nth from ${name}) numbered
      where nth > 1
    )`);
  return findDoubled();
}
