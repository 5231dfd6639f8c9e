import type pg from 'pg';

/**
 * Runs the work in one `read committed` transaction: committed when it returns, rolled back when it throws.
 *
 * @throws what the work throws; a rollback that fails too says nothing more than that the connection is gone
 */
export async function inTransaction<T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('begin isolation level read committed');
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
  await client.query('commit');
  return result;
}
