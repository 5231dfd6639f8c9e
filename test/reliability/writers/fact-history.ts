import type pg from 'pg';

const at = (column: string): string => `to_char(${column}, 'YYYY-MM-DD HH24:MI:SS.US')`;

/** Each fact's business columns by hand: what the source calls them, and what the warehouse does. */
const facts: Record<string, { source: string[]; warehouse: string[] }> = {
  sales_order: {
    source: [
      ...['sales_order_id', 'staff_id', 'counterparty_id', 'units_sold', 'unit_price', 'currency_id'],
      ...['design_id', 'agreed_payment_date', 'agreed_delivery_date', 'agreed_delivery_location_id'],
    ],
    warehouse: [
      ...['sales_order_id', 'sales_staff_id', 'counterparty_id', 'units_sold', 'unit_price', 'currency_id'],
      ...['design_id', 'agreed_payment_date', 'agreed_delivery_date', 'agreed_delivery_location_id'],
    ],
  },
  purchase_order: sameNames([
    ...['purchase_order_id', 'staff_id', 'counterparty_id', 'item_code', 'item_quantity', 'item_unit_price'],
    ...['currency_id', 'agreed_delivery_date', 'agreed_payment_date', 'agreed_delivery_location_id'],
  ]),
  payment: sameNames([
    ...['payment_id', 'transaction_id', 'counterparty_id', 'payment_amount', 'currency_id'],
    ...['payment_type_id', 'paid', 'payment_date'],
  ]),
};

function sameNames(columns: string[]) {
  return { source: columns, warehouse: columns };
}

/** From now on the shop remembers every version of every fact, in the transaction that writes it. */
export async function rememberFacts(source: pg.Client): Promise<void> {
  const triggers = Object.keys(facts).map(
    (table) => `create trigger remember after insert or update on ${table}
                  for each row execute function remember();`,
  );
  await source.query(`
    create table history (fact text not null, row jsonb not null);
    create function remember() returns trigger language plpgsql as $$
      begin
        insert into history values (tg_table_name, to_jsonb(new));
        return null;
      end $$;
    ${triggers.join('\n')}`);
}

/** One text for each version of a fact that was ever committed in the shop: all of its business values. */
export async function readCommittedVersions(source: pg.Client): Promise<Set<string>> {
  const queries = Object.entries(facts).map(
    ([fact, columns]) => `
      select ${textOf(fact, columns.source, ['created_at', 'last_updated'])}
        from history, jsonb_populate_record(null::${fact}, row) where fact = '${fact}'`,
  );
  return new Set(await readTexts(source, queries));
}

/** One text for each row of the warehouse's facts. */
export function readWarehouseVersions(warehouse: pg.Client): Promise<string[]> {
  const moments = ['created_date + created_time', 'last_updated_date + last_updated_time'];
  const queries = Object.entries(facts).map(
    ([fact, columns]) => `select ${textOf(fact, columns.warehouse, moments)} from fact_${fact}`,
  );
  return readTexts(warehouse, queries);
}

const textOf = (fact: string, columns: string[], moments: string[]): string =>
  `concat_ws('|', '${fact}', ${[...columns, ...moments.map(at)].join(', ')}) as text`;

async function readTexts(client: pg.Client, queries: string[]): Promise<string[]> {
  const { rows } = await client.query<{ text: string }>(queries.join(' union all '));
  return rows.map(({ text }) => text);
}
