import pg from 'pg';
import { seen } from './seen.ts';

/**
 * Waits until a query has a row, asked on one connection: one for each look takes both sides 5 to 15 ms of CPU time. One
 * that is lost is made anew.
 *
 * @param url of the database, or what says it once it is known
 */
export async function seenRow(url: string | (() => string), sql: string): Promise<void> {
  let client: pg.Client | undefined;
  const open = async () => {
    const opened = new pg.Client(typeof url === 'string' ? url : url());
    opened.on('error', () => {});
    opened.once('end', () => {
      client = undefined;
    });
    await opened.connect();
    client = opened;
    return opened;
  };
  try {
    await seen(async () => (await (client ?? (await open())).query(sql)).rows.length > 0);
  } finally {
    await client?.end();
  }
}
