import { dayOf, LAST_DAY, MICROS_PER_DAY, paymentRunOf, weekdayFrom } from './calendar.ts';
import type { CopyText } from './copy-text.ts';
import type { Order, OrderBook } from './orders.ts';
import { RowRandom } from './random.ts';

/** An order's transaction, and the payment that settles it. */
export interface Settlement {
  transactionId: number;
  paymentId: number;
  order: Order;
  paymentTypeId: number;
  paid: boolean;
  /** Days since 1970-01-01. */
  paymentDay: number;
  /** Microseconds since 1970-01-01. */
  paymentUpdated: number;
}

/** Every order of both books, oldest first. */
export function* ordersByTime(
  sales: OrderBook,
  purchases: OrderBook,
  sizes: { sales: number; purchases: number },
): Generator<Order> {
  let sale = sizes.sales > 0 ? sales(1) : undefined;
  let purchase = sizes.purchases > 0 ? purchases(1) : undefined;
  while (sale !== undefined || purchase !== undefined) {
    if (sale !== undefined && (purchase === undefined || sale.createdAt <= purchase.createdAt)) {
      yield sale;
      sale = sale.id < sizes.sales ? sales(sale.id + 1) : undefined;
    } else if (purchase !== undefined) {
      yield purchase;
      purchase = purchase.id < sizes.purchases ? purchases(purchase.id + 1) : undefined;
    }
  }
}

/**
 * One settlement for each order: most are paid on their day or a few days late, some are still open, one in
 * 60 is a refund.
 *
 * @param orders oldest first; the position, from 1, is the transaction's id
 */
export function* settleOrders(seed: number, orders: Iterable<Order>, count: number): Generator<Settlement> {
  const random = new RowRandom(seed, 'payment');
  let transactionId = 0;
  for (const order of orders) {
    random.at(++transactionId);
    const late = random.oneIn(10) ? random.between(1, 9) : 0;
    const paymentDay = weekdayFrom(order.paymentDay + late);
    const paid = paymentDay <= LAST_DAY && !random.oneIn(40);
    yield {
      transactionId,
      paymentId: numberPayment(seed, transactionId, count),
      order,
      paymentTypeId: (order.type === 'SALE' ? 1 : 3) + (random.oneIn(60) ? 1 : 0),
      paid,
      paymentDay,
      paymentUpdated: paid ? paymentRunOf(paymentDay) : order.createdAt,
    };
  }
}

/** The transaction's number, but for a pair here and there whose payments were entered the other way round. */
function numberPayment(seed: number, transactionId: number, count: number): number {
  const pair = (transactionId - 1) >> 1;
  if ((pair ^ seed) % 9 !== 0 || pair * 2 + 2 > count) return transactionId;
  return transactionId % 2 === 1 ? transactionId + 1 : transactionId - 1;
}

export const TRANSACTION_COLUMNS = [
  'transaction_id',
  'transaction_type',
  'sales_order_id',
  'purchase_order_id',
  'created_at',
  'last_updated',
];

export function writeTransaction(out: CopyText, { transactionId, order }: Settlement): void {
  out.int(transactionId).text(order.type);
  if (order.type === 'SALE') out.int(order.id).text(null);
  else out.text(null).int(order.id);
  const corrected = transactionId % 83 === 0 && dayOf(order.createdAt) < LAST_DAY;
  const nextDay = corrected ? weekdayFrom(dayOf(order.createdAt) + 1) - dayOf(order.createdAt) : 0;
  out.timestamp(order.createdAt).timestamp(order.createdAt + nextDay * MICROS_PER_DAY);
}

export const PAYMENT_COLUMNS = [
  'payment_id',
  'transaction_id',
  'counterparty_id',
  'payment_amount',
  'currency_id',
  'payment_type_id',
  'paid',
  'payment_date',
  'company_ac_number',
  'counterparty_ac_number',
  'created_at',
  'last_updated',
];

const COMPANY_ACCOUNTS = [0, 40_718_263, 58_120_946, 71_350_482];

export function writePayment(out: CopyText, settlement: Settlement): void {
  const { order } = settlement;
  out.int(settlement.paymentId).int(settlement.transactionId).int(order.counterpartyId);
  out
    .cents(order.quantity * order.priceCents)
    .int(order.currencyId)
    .int(settlement.paymentTypeId);
  out.boolean(settlement.paid).date(settlement.paymentDay);
  out.int(COMPANY_ACCOUNTS[order.currencyId] ?? 0).int(accountOf(order.counterpartyId));
  out.timestamp(order.createdAt).timestamp(settlement.paymentUpdated);
}

/** A counterparty's bank account: eight digits, the same in every payment. */
function accountOf(counterpartyId: number): number {
  return 10_000_000 + ((counterpartyId * 48_271_337) % 90_000_000);
}
