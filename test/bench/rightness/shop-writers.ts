import pg from 'pg';

/** Rows that one burst of writes touches, by what an application does to them. */
export interface Burst {
  /** New orders, at the end of the table. */
  inserted: number;
  /** Orders all over the table, with a new last_updated. */
  updated: number;
  /** Orders all over the table, whose last_updated stays: a correction by hand. */
  inPlace: number;
  deleted: number;
  /** Orders of another system, with the last_updated that they had there. */
  bulk: number;
}

/** Sessions that write sales orders. Some transactions stay open over the increments that follow, and commit in them, or later. */
export interface ShopWriters {
  burst(size: Burst): Promise<void>;
  /** While an increment runs: one of those that are open commits. */
  commitOne(): Promise<void>;
  /** Between increments: those that have been open for long enough commit. */
  commitOld(): Promise<void>;
  end(): Promise<void>;
}

/** Each writes rows of its own: sessions that wait for one another would stop the benchmark. */
const sessions = 6;
/** Of these transactions stay open; the others commit at once. */
const holding = 3;
/** A transaction is open over so many bursts at most. */
const longest = 2;

export async function startWriters(url: string, seed: number): Promise<ShopWriters> {
  const random = makeRandom(seed);
  const clients: pg.Client[] = [];
  for (let n = 0; n < sessions; n++) {
    const client = new pg.Client(url);
    await client.connect();
    clients.push(client);
  }
  /** By session: bursts since it began. */
  const open = new Map<number, number>();
  const [first] =
    (await clients[0]?.query<{ last: number }>('select max(sales_order_id) as last from sales_order'))
      ?.rows ?? [];
  let last = Number(first?.last);
  const rows = last;
  const commit = async (session: number) => {
    open.delete(session);
    await clients[session]?.query('commit');
  };
  const write = async (session: number, { inserted, updated, inPlace, deleted, bulk }: Burst) => {
    const client = clients[session];
    const ids = (count: number) =>
      Array.from({ length: count }, () => random(Math.floor(rows / sessions)) * sessions + session).join();
    const from = last + 1;
    last += inserted + bulk;
    const copied = `now.at, now.at, staff_id, counterparty_id, units_sold, unit_price, currency_id, design_id,
      agreed_payment_date, agreed_delivery_date, agreed_delivery_location_id`;
    const columns = `sales_order_id, created_at, last_updated, staff_id, counterparty_id, units_sold, unit_price, currency_id,
      design_id, agreed_payment_date, agreed_delivery_date, agreed_delivery_location_id`;
    const insert = (start: number, count: number, at: string) => `
      insert into sales_order (${columns})
      select ${start} + number, ${copied}
        from generate_series(0, ${count - 1}) as number,
             (select * from sales_order order by sales_order_id limit 1) as model,
             (select ${at} as at) as now`;
    await client?.query('begin');
    if (inserted > 0) await client?.query(insert(from, inserted, 'localtimestamp(3)'));
    if (bulk > 0) {
      await client?.query(insert(from + inserted, bulk, `(localtimestamp(3) - interval '30 days')`));
    }
    if (updated > 0) {
      await client?.query(
        `update sales_order set units_sold = units_sold + 1, last_updated = localtimestamp(3) where sales_order_id in (${ids(updated)})`,
      );
    }
    if (inPlace > 0) {
      await client?.query(
        `update sales_order set units_sold = units_sold + 7 where sales_order_id in (${ids(inPlace)})`,
      );
    }
    if (deleted > 0) await client?.query(`delete from sales_order where sales_order_id in (${ids(deleted)})`);
  };
  return {
    burst: async (size) => {
      const share = (count: number, index: number) =>
        Math.floor(count / sessions) + (index < count % sessions ? 1 : 0);
      // Those that stay open begin first: what commits next has a later last_updated.
      for (let session = 0; session < sessions; session++) {
        if (open.has(session)) continue;
        await write(session, {
          inserted: share(size.inserted, session),
          updated: share(size.updated, session),
          inPlace: share(size.inPlace, session),
          deleted: share(size.deleted, session),
          bulk: session === sessions - 1 ? size.bulk : 0,
        });
        if (session < holding) open.set(session, 0);
        else await commit(session);
      }
    },
    commitOne: async () => {
      const [session] = [...open.keys()].toSorted(() => random(3) - 1);
      if (session !== undefined) await commit(session);
    },
    commitOld: async () => {
      for (const [session, bursts] of open) {
        if (bursts + 1 >= longest) await commit(session);
        else open.set(session, bursts + 1);
      }
    },
    end: async () => {
      for (const session of [...open.keys()]) await commit(session);
      await Promise.all(clients.map((client) => client.end()));
    },
  };
}

/** Numbers below a limit, the same for the same seed (Lehmer's generator). */
function makeRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % limit;
  };
}
