import pg from 'pg';

/** How a copy of the sales orders differs from the source. */
export interface WrongRows {
  /** Rows of the source that the copy lacks. */
  missing: number;
  /** Rows that have other values. */
  stale: number;
  /** Rows that the source has no longer. */
  gone: number;
}

/** A copy of the sales orders: any relation with their columns. */
export interface OrdersCopy {
  url: string;
  relation: string;
}

const keysAtOnce = 200_000;

/** Compares each order in what the writers change, by keys in ranges: the tables may be larger than memory. */
export async function countWrongRows(source: string, copy: OrdersCopy): Promise<WrongRows> {
  const wrong = { missing: 0, stale: 0, gone: 0 };
  const [own, other] = [new pg.Client(source), new pg.Client(copy.url)];
  await Promise.all([own.connect(), other.connect()]);
  try {
    const last = Math.max(await lastKey(own, 'sales_order'), await lastKey(other, copy.relation));
    for (let from = 0; from <= last; from += keysAtOnce) {
      const [expected, found] = await Promise.all([
        selectOrders(own, 'sales_order', from),
        selectOrders(other, copy.relation, from),
      ]);
      for (const [key, values] of expected) {
        const known = found.get(key);
        if (known === undefined) wrong.missing++;
        else if (known !== values) wrong.stale++;
      }
      for (const key of found.keys()) if (!expected.has(key)) wrong.gone++;
    }
    return wrong;
  } finally {
    await Promise.all([own.end(), other.end()]);
  }
}

async function lastKey(client: pg.Client, relation: string): Promise<number> {
  const { rows } = await client.query<{ last: string }>(
    `select coalesce(max(sales_order_id), 0) as last from ${relation}`,
  );
  return Number(rows[0]?.last);
}

async function selectOrders(client: pg.Client, relation: string, from: number): Promise<Map<number, string>> {
  const { rows } = await client.query<[string, string]>({
    text: `select sales_order_id, concat_ws(' ', units_sold, unit_price::numeric(10,2), design_id, currency_id)
             from ${relation}
            where sales_order_id >= ${from} and sales_order_id < ${from + keysAtOnce}`,
    rowMode: 'array',
  });
  return new Map(rows.map(([key, values]) => [Number(key), values]));
}
