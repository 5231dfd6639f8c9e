import { setTimeout as delay } from 'node:timers/promises';

/** Work that is over by then is not worth another connection. */
const patienceMs = 30;

export interface SharedWork<Client, Item extends object> {
  /** Taken in this order. */
  items: readonly Item[];
  work: (client: Client, item: Item) => Promise<void>;
  /** Has a second connection do what it is given; rejects where there is none to be had. */
  withSecond: (work: (client: Client) => Promise<void>) => Promise<void>;
}

/**
 * Does the work for each item, once, on one connection, and when that takes a while on a second one as well: the server
 * has a core for each.
 *
 * A second connection that cannot be had is not waited for. What goes wrong with an item is thrown, on either.
 */
export async function shareWork<Client, Item extends object>(
  first: Client,
  { items, work, withSecond }: SharedWork<Client, Item>,
): Promise<void> {
  const left = [...items];
  const take = async (client: Client): Promise<void> => {
    try {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(client, item);
    } finally {
      // After a failure nobody takes another one.
      left.length = 0;
    }
  };
  let atSecond: Promise<void> | undefined;
  const isOver = new AbortController();
  const helping = delay(patienceMs, undefined, { signal: isOver.signal }).then(() =>
    withSecond((client) => {
      atSecond = take(client);
      return atSecond;
    }),
  );
  helping.catch(() => {});
  try {
    await take(first);
  } finally {
    isOver.abort();
    await atSecond?.catch(() => {});
  }
  await atSecond;
}
