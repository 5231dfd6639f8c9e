import { BUSINESS_DAY_MICROS, BUSINESS_YEAR_MICROS, instantAt } from './calendar.ts';
import type { RowRandom } from './random.ts';

/**
 * When a row of a small table was last edited: at its creation, or for one row in so many at some later
 * moment of the year, in open hours and to the microsecond.
 *
 * @param createdAt microseconds since 1970-01-01
 */
export function editedAt(random: RowRandom, createdAt: number, oneIn: number): number {
  if (!random.oneIn(oneIn)) return createdAt;
  const day = random.below(BUSINESS_YEAR_MICROS / BUSINESS_DAY_MICROS);
  return Math.max(createdAt, instantAt(day * BUSINESS_DAY_MICROS + random.below(4e9) * 8 + random.below(8)));
}

/**
 * Edits that left last_updated as it was, as people make them by hand in the database: the new delivery day
 * of one sales order in 61, and the file name of one design in 47.
 */
export const EDITS_IN_PLACE = `
update sales_order
   set agreed_delivery_date = to_char(to_date(agreed_delivery_date, 'YYYY-MM-DD') + 7, 'YYYY-MM-DD')
 where sales_order_id % 61 = 7;
update design set file_name = replace(file_name, '.json', '-v2.json') where design_id % 47 = 5;
`;
