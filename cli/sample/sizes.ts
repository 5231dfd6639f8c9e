import { TerminalError } from '../../shared/errors.ts';

export const STAFF = 20;
export const COUNTERPARTIES = 20;
export const ADDRESSES = 30;
export const DESIGNS = 250;
export const DEFAULT_ORDERS = 5000;

// Transactions are numbered by int4.
const MAX_ORDERS = 1_000_000_000;

/**
 * The rows of each table of a sample shop with so many sales orders: the facts grow with them, the
 * dimensions stay.
 *
 * @throws {TerminalError} the number is not whole, negative, or above 1,000,000,000
 */
export function sampleSizes(orders: number): Record<string, number> {
  if (!Number.isInteger(orders) || orders < 0 || orders > MAX_ORDERS)
    throw new TerminalError(`orders must be a whole number from 0 to ${MAX_ORDERS}, and is ${orders}`);
  const purchases = Math.round(orders * 0.44);
  return {
    address: ADDRESSES,
    counterparty: COUNTERPARTIES,
    currency: 3,
    department: 8,
    staff: STAFF,
    design: DESIGNS,
    payment_type: 4,
    purchase_order: purchases,
    sales_order: orders,
    transaction: orders + purchases,
    payment: orders + purchases,
  };
}
