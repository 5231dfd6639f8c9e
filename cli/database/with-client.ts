import type pg from 'pg';

/** Does work on a connection, which ends afterwards; nobody waits for its end, because the server may not answer. */
export async function withClient<T>(
  connected: Promise<pg.Client>,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connected;
  try {
    return await work(client);
  } finally {
    client.end().catch(() => {});
  }
}
