import fc from 'fast-check';
import type { TextRow } from '../../helpers/rows/text-rows.ts';

export const tables = ['dim_colour', 'dim_shape', 'fact_sale'] as const;
export type Table = (typeof tables)[number];

/** An object; its place in the history is its version. */
export interface Extracted {
  table: Table;
  rows: TextRow[];
}

const keyColumns: Record<Table, string[]> = {
  dim_colour: ['colour_id'],
  dim_shape: ['shape_id'],
  fact_sale: ['sale_id', 'last_updated_date', 'last_updated_time'],
};
const ids = ['-1', '0', '1', '2'];
const id = fc.constantFrom(...ids);
const word = fc.constantFrom('a', 'b', 'c', 'd', 'e');

const rowOf: Record<Table, fc.Arbitrary<TextRow>> = {
  dim_colour: fc.record({ colour_id: id, name: word }),
  dim_shape: fc.record({ shape_id: id, name: fc.option(word) }),
  fact_sale: fc.record({
    sale_id: id,
    last_updated_date: fc.constantFrom('1999-12-31', '2024-02-29'),
    last_updated_time: fc.constantFrom('00:00:00', '12:34:56.000001'),
    colour_id: id,
    shape_id: fc.option(id),
    note: word,
  }),
};

export const identify = (table: Table, row: TextRow): string =>
  keyColumns[table].map((column) => row[column]).join('|');

const extracted: fc.Arbitrary<Extracted> = fc
  .constantFrom(...tables)
  .chain((table) =>
    fc
      .uniqueArray(rowOf[table], { maxLength: 5, selector: (row) => identify(table, row) })
      .map((rows) => ({ table, rows })),
  );

/** Every dimension row that a fact can name is somewhere in the history, as a foreign key of the source has it. */
const everyDimension: Extracted[] = [
  { table: 'dim_colour', rows: ids.map((colour_id) => ({ colour_id, name: 'oldest' })) },
  { table: 'dim_shape', rows: ids.map((shape_id) => ({ shape_id, name: 'oldest' })) },
];

const history = fc
  .array(extracted, { minLength: 1, maxLength: 10 })
  .map((rest) => [...everyDimension, ...rest]);

/** Each object at least once, in any order. */
export const deliveries = history.chain((objects) => {
  const each = objects.map((_, index) => index);
  return fc
    .array(fc.constantFrom(...each), { maxLength: 6 })
    .chain((again) => fc.shuffledSubarray([...each, ...again], { minLength: each.length + again.length }))
    .map((order) => ({ objects, order }));
});

/** What the warehouse must hold: of each key the row of the last object that has it. */
export function fold(objects: Extracted[], table: Table): TextRow[] {
  const latest = new Map<string, TextRow>();
  for (const object of objects.filter((each) => each.table === table)) {
    for (const row of object.rows) latest.set(identify(table, row), row);
  }
  return [...latest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}
