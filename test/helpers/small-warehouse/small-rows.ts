import type { TextRow } from '../rows/text-rows.ts';

/** Rows of the small model. */
export const red = { colour_id: '1', name: 'red' };
export const blue = { colour_id: '2', name: 'blue' };
export const round = { shape_id: '7', name: 'round' };

/** A red, round sale, unless it is said otherwise. */
export const sale = (changes: TextRow = {}): TextRow => ({
  sale_id: '1',
  last_updated_date: '2024-02-29',
  last_updated_time: '23:59:59.999999',
  colour_id: '1',
  shape_id: '7',
  note: 'first',
  ...changes,
});
