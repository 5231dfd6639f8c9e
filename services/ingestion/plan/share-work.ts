import { setTimeout as delay } from 'node:timers/promises';

/** Work that ends sooner is not worth another connection. */
const patienceMs = 30;

export interface SharedWork<Client, Item extends object> {
  /** Taken in this order. */
  items: readonly Item[];
  work: (client: Client, item: Item) => Promise<void>;
  /** Lends a second connection to the work; rejects where none is available. */
  withSecondConnection: (work: (client: Client) => Promise<void>) => Promise<void>;
}

/**
 * Does the work for each item once, on one connection. When that takes a while, it uses a second connection as well,
 * and so another core of the server.
 *
 * It does not wait for a second connection that is not available. It throws the error of an item's work, from either.
 */
export async function shareWork<Client, Item extends object>(
  first: Client,
  { items, work, withSecondConnection }: SharedWork<Client, Item>,
): Promise<void> {
  const left = [...items];
  const take = async (client: Client): Promise<void> => {
    try {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(client, item);
    } finally {
      // After a failure neither connection takes another item.
      left.length = 0;
    }
  };
  let secondWork: Promise<void> | undefined;
  const done = new AbortController();
  const helping = delay(patienceMs, undefined, { signal: done.signal }).then(() =>
    withSecondConnection((client) => {
      secondWork = take(client);
      return secondWork;
    }),
  );
  helping.catch(() => {});
  try {
    await take(first);
  } finally {
    done.abort();
    await secondWork?.catch(() => {});
  }
  await secondWork;
}
