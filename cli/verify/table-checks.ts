import { dimCounterparty } from './tables/dim-counterparty.ts';
import { dimCurrency } from './tables/dim-currency.ts';
import { makeDimDate } from './tables/dim-date.ts';
import { dimDesign } from './tables/dim-design.ts';
import { dimLocation } from './tables/dim-location.ts';
import { dimPaymentType } from './tables/dim-payment-type.ts';
import { dimStaff } from './tables/dim-staff.ts';
import { dimTransaction } from './tables/dim-transaction.ts';
import { factPayment } from './tables/fact-payment.ts';
import { factPurchaseOrder } from './tables/fact-purchase-order.ts';
import { factSalesOrder } from './tables/fact-sales-order.ts';
import type { TableCheck } from './tables/table-check.ts';

/** The checks of those of a model's warehouse tables that have one, in the order in which they are reported. */
export const listChecks = (tables: readonly string[]): TableCheck[] =>
  [
    dimCounterparty,
    dimCurrency,
    makeDimDate(tables),
    dimDesign,
    dimLocation,
    dimPaymentType,
    dimStaff,
    dimTransaction,
    factPayment,
    factPurchaseOrder,
    factSalesOrder,
  ].filter(({ table }) => tables.includes(table));
