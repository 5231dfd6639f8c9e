import type pg from 'pg';

/**
 * Runs the work in one `read committed` transaction: committed when it returns, rolled back when it throws.
 *
 * @throws what the work throws; a rollback that fails too says nothing more than that the connection is gone
 */
export const inTransaction = <T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> =>
  within(client, 'read committed', work);

/** Runs queries that all see the same: what was committed when the first of them began. */
export const inSnapshot = <T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> =>
  within(client, 'repeatable read read only', work);

async function within<T>(client: pg.ClientBase, mode: string, work: () => Promise<T>): Promise<T> {
  await client.query(`begin isolation level ${mode}`);
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
