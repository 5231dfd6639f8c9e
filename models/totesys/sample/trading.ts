import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { TerminalError } from '../../../shared/errors.ts';
import { formatItemCode, ITEM_CODES } from './orders.ts';
import { RowRandom } from './random.ts';

export interface TradingOptions {
  /** At most; each change waits for the one before. 3 when left out. */
  changesPerSecond?: number;
  /** The same seed makes the same changes in the same order. 1 when left out. */
  seed?: number;
  /** Called for every change that failed; the next one uses a new connection. */
  onError?: (error: unknown) => void;
}

/**
 * Lets a sample shop go on trading in the background until it is stopped: new orders with their transactions
 * and payments, payments that become paid, edits of the small tables, edits that leave last_updated alone,
 * and orders that are rolled back. Times are now, in UTC.
 *
 * @returns stop, which is done when the last change has ended and the connection is closed
 * @throws {TerminalError} the changes per second are not above 0
 */
export function startTrading(
  url: string,
  { changesPerSecond = 3, seed = 1, onError = () => {} }: TradingOptions,
): { stop(): Promise<void> } {
  if (!(changesPerSecond > 0))
    throw new TerminalError(`changes per second must be above 0, and are ${changesPerSecond}`);
  const stopping = new AbortController();
  const trading = trade(url, { pauseMs: 1000 / changesPerSecond, seed, onError, signal: stopping.signal });
  return {
    stop: async () => {
      stopping.abort();
      await trading;
    },
  };
}

interface Trade {
  pauseMs: number;
  seed: number;
  onError: (error: unknown) => void;
  signal: AbortSignal;
}

async function trade(url: string, { pauseMs, seed, onError, signal }: Trade): Promise<void> {
  const random = new RowRandom(seed, 'trading');
  let client: pg.Client | undefined;
  for (let number = 1; !signal.aborted; number++) {
    try {
      client ??= await connect(url);
      await makeChange(client, planChange(random.at(number)));
    } catch (error) {
      onError(error);
      await client?.end().catch(() => {});
      client = undefined;
    }
    await wait(pauseMs, undefined, { signal }).catch(() => {});
  }
  await client?.end();
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'starlift sample shop' });
  // Without a listener a lost idle connection ends the process. The next change fails and reports it.
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function makeChange(client: pg.Client, { sql, values, kept }: Change): Promise<void> {
  await client.query(`begin; set local timezone to 'UTC'; set local statement_timeout = '10s'`);
  await client.query(sql, values);
  await client.query(kept ? 'commit' : 'rollback');
}

/** One change of a trading shop: a single statement, which may be several inserts. */
export interface Change {
  sql: string;
  values: (string | number)[];
  /** False: the shop changes its mind, and the transaction is rolled back. */
  kept: boolean;
}

/**
 * Decides what the shop does next: mostly new orders and payments, now and then an edit.
 *
 * @param random turned to the change's number; the same number gives the same change
 */
export function planChange(random: RowRandom): Change {
  const choice = random.below(20);
  if (choice < 8) return { ...placeSale(random), kept: true };
  if (choice < 11) return { ...placePurchase(random), kept: true };
  if (choice < 15) return { sql: PAY, values: [random.between(1, 4)], kept: true };
  if (choice < 16) return { ...placeSale(random), kept: false };
  if (choice < 17) return { sql: POSTPONE_IN_PLACE, values: [random.below(1000)], kept: true };
  return editSmallTable(random);
}

function placeSale(random: RowRandom): Omit<Change, 'kept'> {
  const days = [random.between(2, 30), random.between(1, 14)];
  const terms = [random.between(50, 4000), (random.between(350, 2800) / 100).toFixed(2)];
  return { sql: PLACE_SALE, values: [...terms, ...days, ...drawPicks(random, 5)] };
}

function placePurchase(random: RowRandom): Omit<Change, 'kept'> {
  const days = [random.between(2, 30), random.between(1, 14)];
  const terms = [random.between(1, 1000), (random.between(80, 95_000) / 100).toFixed(2)];
  return {
    sql: PLACE_PURCHASE,
    values: [...terms, ...days, ...drawPicks(random, 4), formatItemCode(random.below(ITEM_CODES))],
  };
}

function drawPicks(random: RowRandom, count: number): number[] {
  return Array.from({ length: count }, () => random.below(1e9));
}

function editSmallTable(random: RowRandom): Change {
  const picks = drawPicks(random, 2);
  const edits = [
    { sql: MOVE_STAFF, values: picks },
    { sql: EDIT_ADDRESS, values: picks.slice(0, 1) },
    {
      sql: MOVE_DEPARTMENT,
      values: [...picks.slice(0, 1), ['Bristol', 'Dundee', 'Cardiff', 'Tromsø'][random.below(4)] ?? ''],
    },
    { sql: REVISE_DESIGN, values: picks.slice(0, 1) },
  ];
  const edit = edits[random.below(edits.length)] ?? { sql: REVISE_DESIGN, values: picks.slice(0, 1) };
  return { ...edit, kept: true };
}

// A row of the table, by a number of any size in the parameter.
const pick = (table: string, parameter: number) => `(
  select ${table}_id from ${table} order by 1
  offset $${parameter}::bigint % greatest((select count(*) from ${table}), 1) limit 1)`;

// The schema has no sequences: the next id is the greatest and one more.
const next = (table: string) => `(select coalesce(max(${table}_id), 0) + 1 from ${table})`;

const daysOn = (parameter: number) =>
  `to_char(localtimestamp + make_interval(days => $${parameter}), 'YYYY-MM-DD')`;

const settle = (type: string, paymentType: string) => `
, deal as (
  insert into transaction (transaction_id, transaction_type, ${type}_order_id, created_at, last_updated)
  select ${next('transaction')}, '${paymentType === 'SALES_RECEIPT' ? 'SALE' : 'PURCHASE'}', ${type}_order_id,
         created_at, last_updated
    from placed
  returning transaction_id)
insert into payment (payment_id, transaction_id, counterparty_id, payment_amount, currency_id, payment_type_id,
                     paid, payment_date, company_ac_number, counterparty_ac_number, created_at, last_updated)
select ${next('payment')}, transaction_id, counterparty_id, $1::int * $2::numeric, currency_id,
       (select min(payment_type_id) from payment_type where payment_type_name = '${paymentType}'),
       false, agreed_payment_date, 40718263, 10000000 + counterparty_id, created_at, last_updated
  from placed cross join deal`;

const PLACE_SALE = `
with placed as (
  insert into sales_order (sales_order_id, units_sold, unit_price, agreed_delivery_date, agreed_payment_date,
                           design_id, staff_id, counterparty_id, currency_id, agreed_delivery_location_id,
                           created_at, last_updated)
  select ${next('sales_order')}, $1::int, $2::numeric, ${daysOn(3)}, ${daysOn(4)}, ${pick('design', 5)},
         ${pick('staff', 6)}, ${pick('counterparty', 7)}, ${pick('currency', 8)}, ${pick('address', 9)},
         localtimestamp(3), localtimestamp(3)
  returning *)${settle('sales', 'SALES_RECEIPT')}`;

const PLACE_PURCHASE = `
with placed as (
  insert into purchase_order (purchase_order_id, item_quantity, item_unit_price, agreed_delivery_date,
                              agreed_payment_date, staff_id, counterparty_id, currency_id,
                              agreed_delivery_location_id, item_code, created_at, last_updated)
  select ${next('purchase_order')}, $1::int, $2::numeric, ${daysOn(3)}, ${daysOn(4)}, ${pick('staff', 5)},
         ${pick('counterparty', 6)}, ${pick('currency', 7)}, ${pick('address', 8)}, $9,
         localtimestamp(3), localtimestamp(3)
  returning *)${settle('purchase', 'PURCHASE_PAYMENT')}`;

const PAY = `
update payment set paid = true, last_updated = localtimestamp(3)
 where payment_id in (select payment_id from payment where not paid order by payment_id limit $1)`;

// By hand in the database, as people do: last_updated stays.
const POSTPONE_IN_PLACE = `
update sales_order
   set agreed_delivery_date = to_char(to_date(agreed_delivery_date, 'YYYY-MM-DD') + 1, 'YYYY-MM-DD')
 where sales_order_id = (select max(sales_order_id) from sales_order) - $1::int`;

const MOVE_STAFF = `
update staff set department_id = ${pick('department', 2)}, last_updated = localtimestamp(3)
 where staff_id = ${pick('staff', 1)}`;

const EDIT_ADDRESS = `
update address
   set address_line_2 = case when address_line_2 is null then 'Rear entrance' end, last_updated = localtimestamp(3)
 where address_id = ${pick('address', 1)}`;

const MOVE_DEPARTMENT = `
update department set location = $2, last_updated = localtimestamp(3)
 where department_id = ${pick('department', 1)}`;

const REVISE_DESIGN = `
update design
   set file_name = regexp_replace(file_name, '(-r)?[.]json$', '-r.json'), last_updated = localtimestamp(3)
 where design_id = ${pick('design', 1)}`;
