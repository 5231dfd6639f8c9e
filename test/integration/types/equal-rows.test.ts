import { describe, expect, it } from '@jest/globals';
import { carried, defineDimension, defineFact, int, json, timestamp } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { warehouseInEachTest } from '../../helpers/small-warehouse/each-warehouse.ts';
import type { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';

// Postgres has no equality of json, of points and of xml.
const columns = { id: 'int4', document: 'json', place: 'other', note: 'other', moment: 'timestamp' } as const;
const made = {
  id: int('id'),
  document: json('document'),
  place: carried('point', 'place'),
  note: carried('xml', 'note'),
  moment: timestamp('moment'),
};
const source = { table: 'thing', key: ['id'], columns };
const model = assembleModel({
  name: 'test',
  tables: [
    defineDimension({ name: 'dim_thing', source, key: ['id'], columns: made }),
    defineFact({ name: 'fact_thing', source, key: ['id'], versions: ['moment'], columns: made }),
  ],
});

const row = { id: '1', document: '{"a": 1}', place: '(1,2)', note: '<a/>', moment: '2024-02-29 12:00:00' };

describe.each(['dim_thing', 'fact_thing'])(
  'two rows of %s with one key and values that have no equality',
  (table) => {
    let warehouse: WarehouseUnderTest;
    warehouseInEachTest(model, (each) => {
      warehouse = each;
    });

    it('are one row if their texts are equal', async () => {
      await warehouse.putAndLoad(table, { rows: [row, row] });
      await warehouse.putAndLoad(table, {
        rows: [
          { ...row, place: '(3,4)' },
          { ...row, place: '(3,4)' },
        ],
        xmax: 101,
      });
      expect(await warehouse.ask(`select document::text, place::text, note::text from ${table}`)).toEqual([
        { document: '{"a": 1}', place: '(3,4)', note: '<a/>' },
      ]);
    });

    it.each([{ document: '{"a":1}' }, { place: '(1,3)' }, { note: '<b/>' }])(
      'are no rows of one key if they differ in %j',
      async (change) => {
        await expect(warehouse.putAndLoad(table, { rows: [row, { ...row, ...change }] })).rejects.toThrow(
          'the object has two rows of one key',
        );
      },
    );
  },
);
