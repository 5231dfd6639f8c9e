import type pg from 'pg';
import type { LoadTarget } from '../load-target.ts';

/** Inserts the rows whose key is not there; a row that is there stays as it is. */
export async function insertNewRows(client: pg.ClientBase, target: LoadTarget, from: string): Promise<void> {
  const columns = target.columns.join(', ');
  const key = target.key.join(', ');
  await client.query(`
    insert into ${target.table} (${columns})
    select ${columns} from ${from}
    order by ${key}
    on conflict (${key}) do nothing`);
}
