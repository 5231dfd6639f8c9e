import type pg from 'pg';

/**
 * Does the work within the transactions that are open on the connections. Where it throws, they are as they were before,
 * with their snapshots.
 *
 * @throws what the work throws; a connection that was lost with it stays lost
 */
export async function withSavepoint<T>(clients: readonly pg.Client[], work: () => Promise<T>): Promise<T> {
  for (const client of clients) await client.query('savepoint verify');
  try {
    return await work();
  } catch (error) {
    await Promise.allSettled(clients.map((client) => client.query('rollback to savepoint verify')));
    throw error;
  } finally {
    await Promise.allSettled(clients.map((client) => client.query('release savepoint verify')));
  }
}
