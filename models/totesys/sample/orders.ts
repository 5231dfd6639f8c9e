import { BUSINESS_DAY_MICROS, BUSINESS_YEAR_MICROS, dayOf, instantAt, weekdayFrom } from './calendar.ts';
import type { CopyText } from './copy-text.ts';
import { RowRandom } from './random.ts';
import { ADDRESSES, designsOnSale } from './sizes.ts';

/** A sales or a purchase order. Days since, and instants in microseconds since, 1970-01-01. */
export interface Order {
  type: 'SALE' | 'PURCHASE';
  id: number;
  /** The design's id of a sale, the number behind the item code of a purchase. */
  item: number;
  staffId: number;
  counterpartyId: number;
  quantity: number;
  priceCents: number;
  currencyId: number;
  deliveryDay: number;
  paymentDay: number;
  locationId: number;
  createdAt: number;
  lastUpdated: number;
}

/** Draws an order by its id, from 1: the same one each time. */
export type OrderBook = (id: number) => Order;

/** The year's sales: customers, Sales staff, deliveries anywhere. */
export function makeSales(seed: number, orders: number): OrderBook {
  const random = new RowRandom(seed, 'sales_order');
  return (id) => {
    const elapsed = elapsedAt(random.at(id), id, orders);
    return drawOrder(random, elapsed, {
      type: 'SALE',
      id,
      item: random.between(1, designsOnSale(elapsed)),
      staffId: random.between(1, 8),
      counterpartyId: random.between(1, 14),
      quantity: random.between(50, 4000),
      priceCents: random.between(350, 2800),
      locationId: random.between(1, ADDRESSES),
    });
  };
}

/** The year's purchases: suppliers, Purchasing staff, deliveries to the shop's own three warehouses. */
export function makePurchases(seed: number, orders: number): OrderBook {
  const random = new RowRandom(seed, 'purchase_order');
  return (id) => {
    const elapsed = elapsedAt(random.at(id), id, orders);
    return drawOrder(random, elapsed, {
      type: 'PURCHASE',
      id,
      item: random.below(ITEM_CODES),
      staffId: random.between(9, 12),
      counterpartyId: random.between(15, 20),
      quantity: random.between(1, 1000),
      priceCents: random.between(80, 95_000),
      locationId: random.between(1, 3),
    });
  };
}

/** Orders come evenly over the year, in the order of their ids; one in 16 was written to the microsecond. */
function elapsedAt(random: RowRandom, id: number, orders: number): number {
  const elapsed = Math.floor(((id - 1 + random.below(1e6) / 1e6) / orders) * BUSINESS_YEAR_MICROS);
  return random.oneIn(16) ? elapsed : elapsed - (elapsed % 1000);
}

type OrderedThing = Pick<
  Order,
  'type' | 'id' | 'item' | 'staffId' | 'counterpartyId' | 'quantity' | 'priceCents' | 'locationId'
>;

function drawOrder(random: RowRandom, elapsed: number, thing: OrderedThing): Order {
  const createdAt = instantAt(elapsed);
  const day = dayOf(createdAt);
  const currency = random.below(20);
  const edited = random.oneIn(25) ? random.between(600_000, BUSINESS_DAY_MICROS / 1000) * 1000 : 0;
  return {
    ...thing,
    currencyId: currency < 12 ? 1 : currency < 15 ? 2 : 3,
    deliveryDay: weekdayFrom(day + random.between(2, 30)),
    paymentDay: weekdayFrom(day + random.between(1, 14)),
    createdAt,
    lastUpdated: edited === 0 ? createdAt : instantAt(elapsed + edited),
  };
}

export const SALES_ORDER_COLUMNS = [
  'sales_order_id',
  'design_id',
  'staff_id',
  'counterparty_id',
  'units_sold',
  'unit_price',
  'currency_id',
  'agreed_delivery_date',
  'agreed_payment_date',
  'agreed_delivery_location_id',
  'created_at',
  'last_updated',
];

export function writeSale(out: CopyText, order: Order): void {
  out.int(order.id).int(order.item).int(order.staffId).int(order.counterpartyId);
  writeTerms(out, order);
}

export const PURCHASE_ORDER_COLUMNS = [
  'purchase_order_id',
  'staff_id',
  'counterparty_id',
  'item_code',
  'item_quantity',
  'item_unit_price',
  ...SALES_ORDER_COLUMNS.slice(6),
];

export function writePurchase(out: CopyText, order: Order): void {
  out.int(order.id).int(order.staffId).int(order.counterpartyId);
  out.text(formatItemCode(order.item));
  writeTerms(out, order);
}

/** How many item codes there are. */
export const ITEM_CODES = 32 ** 5;

/** The supplier's code of an item, by its number below ITEM_CODES: TB and five digits to the base of 32. */
export function formatItemCode(item: number): string {
  return `TB${item.toString(32).toUpperCase().padStart(5, '0')}`;
}

function writeTerms(out: CopyText, order: Order): void {
  out.int(order.quantity).cents(order.priceCents).int(order.currencyId);
  out.date(order.deliveryDay).date(order.paymentDay).int(order.locationId);
  out.timestamp(order.createdAt).timestamp(order.lastUpdated);
}
