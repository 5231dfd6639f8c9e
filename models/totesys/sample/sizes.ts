import { TerminalError } from '../../../shared/errors.ts';
import { BUSINESS_YEAR_MICROS, FOUNDED_AT, instantAt } from './calendar.ts';

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

const FIRST_COLLECTION = 40;
// The last design comes out some weeks before the year ends, so that all of them can be sold.
const LAUNCH_YEAR = BUSINESS_YEAR_MICROS * 0.9;
const LAUNCH_EVERY = LAUNCH_YEAR / (DESIGNS - FIRST_COLLECTION);

/** How many designs are out after so much open time (microseconds): ids 1 to this may be sold. */
export function designsOnSale(elapsed: number): number {
  return Math.min(DESIGNS, FIRST_COLLECTION + Math.floor(elapsed / LAUNCH_EVERY));
}

/** @returns microseconds since 1970-01-01 */
export function launchedAt(id: number): number {
  if (id <= FIRST_COLLECTION) return FOUNDED_AT;
  return instantAt(Math.floor(((id - FIRST_COLLECTION) * LAUNCH_EVERY) / 1000) * 1000);
}
