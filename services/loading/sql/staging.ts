import type pg from 'pg';
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
 * @returns whether some key is there twice even so, with other values
 */
export async function removeDoubles(
  client: pg.ClientBase,
  { columns, key }: LoadTarget,
  name: string,
): Promise<boolean> {
  const doubled = `select from ${name} group by ${key.join(', ')} having count(*) > 1 limit 1`;
  const hasDoubles = async () => (await client.query(doubled)).rowCount === 1;
  if (!(await hasDoubles())) return false;
  const list = columns.join(', ');
  await client.query(`
    delete from ${name} where ctid in (
      select ctid from (select ctid, row_number() over (partition by ${list}) as nth from ${name}) numbered
      where nth > 1
    )`);
  return hasDoubles();
}
