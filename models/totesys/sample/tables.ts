import { encodeRows } from './copy-text.ts';
import * as orders from './orders.ts';
import * as payments from './payments.ts';
import { sampleSizes } from './sizes.ts';
import * as parties from './small-tables.ts';
import { DESIGN_COLUMNS, drawDesigns, writeDesign } from './small-tables.ts';

/** A table of the sample shop and its rows as COPY text. */
export interface SampleTable {
  name: string;
  columns: readonly string[];
  /** @param onRows the rows so far, at every chunk; a chunk is good until the next is asked for */
  chunks(onRows?: (rows: number) => void): Iterable<Buffer>;
}

/** The sample shop's tables in an order that foreign keys allow. Nothing is drawn until the chunks are read. */
export function sampleTables(orderCount: number, seed: number): SampleTable[] {
  return [
    partyTable('address', parties.ADDRESS_COLUMNS, () => parties.drawAddresses(seed)),
    partyTable('counterparty', parties.COUNTERPARTY_COLUMNS, () => parties.drawCounterparties(seed)),
    partyTable('currency', parties.CURRENCY_COLUMNS, parties.listCurrencies),
    partyTable('department', parties.DEPARTMENT_COLUMNS, parties.listDepartments),
    partyTable('staff', parties.STAFF_COLUMNS, () => parties.drawStaff(seed)),
    {
      name: 'design',
      columns: DESIGN_COLUMNS,
      chunks: (onRows) => encodeRows(drawDesigns(seed), writeDesign, onRows),
    },
    partyTable('payment_type', parties.PAYMENT_TYPE_COLUMNS, parties.listPaymentTypes),
    ...factTables(orderCount, seed),
  ];
}

function partyTable(name: string, columns: readonly string[], draw: () => parties.Party[]): SampleTable {
  return { name, columns, chunks: (onRows) => encodeRows(draw(), parties.writeParty, onRows) };
}

function factTables(orderCount: number, seed: number): SampleTable[] {
  const { purchase_order: purchaseCount = 0, transaction: transactionCount = 0 } = sampleSizes(orderCount);
  const sales = orders.makeSales(seed, orderCount);
  const purchases = orders.makePurchases(seed, purchaseCount);
  const sizes = { sales: orderCount, purchases: purchaseCount };
  const settle = () =>
    payments.settleOrders(seed, payments.ordersByTime(sales, purchases, sizes), transactionCount);
  return [
    {
      name: 'purchase_order',
      columns: orders.PURCHASE_ORDER_COLUMNS,
      chunks: (onRows) => encodeRows(drawAll(purchases, purchaseCount), orders.writePurchase, onRows),
    },
    {
      name: 'sales_order',
      columns: orders.SALES_ORDER_COLUMNS,
      chunks: (onRows) => encodeRows(drawAll(sales, orderCount), orders.writeSale, onRows),
    },
    {
      name: 'transaction',
      columns: payments.TRANSACTION_COLUMNS,
      chunks: (onRows) => encodeRows(settle(), payments.writeTransaction, onRows),
    },
    {
      name: 'payment',
      columns: payments.PAYMENT_COLUMNS,
      chunks: (onRows) => encodeRows(settle(), payments.writePayment, onRows),
    },
  ];
}

function* drawAll(book: orders.OrderBook, count: number): Generator<orders.Order> {
  for (let id = 1; id <= count; id++) yield book(id);
}
