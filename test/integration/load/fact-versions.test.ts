import { describe, expect, it } from '@jest/globals';
import { countWaiting } from '../../../shared/ledger/count-waiting.ts';
import { warehouseInEachTest } from '../../helpers/small-warehouse/each-warehouse.ts';
import { smallModel } from '../../helpers/small-warehouse/small-model.ts';
import { red, round, sale } from '../../helpers/small-warehouse/small-rows.ts';
import type { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';

describe('a fact’s load', () => {
  let warehouse: WarehouseUnderTest;
  warehouseInEachTest(smallModel, (made) => {
    warehouse = made;
  });

  const notes = () => warehouse.ask('select sale_id, note from fact_sale order by sale_id, note');
  const parked = () => warehouse.ask('select sale_id, note from starlift.parked_fact_sale order by sale_id');
  const waiting = () => warehouse.database.withClient((client) => countWaiting(client, smallModel, 'public'));

  it('keeps every version of a fact, and edits one in place', async () => {
    await warehouse.putAndLoad('dim_colour', { rows: [red] });
    await warehouse.putAndLoad('dim_shape', { rows: [round] });
    const later = sale({ last_updated_time: '12:00:00.000001', note: 'second' });
    await warehouse.putAndLoad('fact_sale', { rows: [sale(), later] });
    await warehouse.putAndLoad('fact_sale', { rows: [sale({ note: 'edited' })], xmax: 200 });
    expect(await notes()).toEqual([
      { sale_id: '1', note: 'edited' },
      { sale_id: '1', note: 'second' },
    ]);
  });

  it('keeps its surrogate keys when its rows are replaced', async () => {
    await warehouse.putAndLoad('dim_colour', { rows: [red] });
    await warehouse.putAndLoad('fact_sale', { rows: [sale({ shape_id: null })] });
    const before = await warehouse.ask('select sale_record_id from fact_sale');
    await warehouse.putAndLoad('fact_sale', { rows: [sale({ shape_id: null, note: 'edited' })], xmax: 200 });
    expect(await warehouse.ask('select sale_record_id from fact_sale')).toEqual(before);
  });

  it('that is newer ends the waiting of an older row of the same version', async () => {
    await warehouse.putAndLoad('dim_colour', { rows: [red] });
    await warehouse.putAndLoad('fact_sale', { rows: [sale({ shape_id: '8' })], xmax: 100 });
    expect(await waiting()).toEqual([
      { table: 'fact_sale', run: expect.stringMatching(/^20240229T/), rows: 1 },
    ]);
    await warehouse.putAndLoad('fact_sale', { rows: [sale({ shape_id: null, note: 'newer' })], xmax: 200 });
    expect(await notes()).toEqual([{ sale_id: '1', note: 'newer' }]);
    expect(await parked()).toEqual([]);
  });

  it('that is older does not wait where the warehouse has a newer row', async () => {
    await warehouse.putAndLoad('dim_colour', { rows: [red] });
    await warehouse.putAndLoad('fact_sale', { rows: [sale({ shape_id: null, note: 'newer' })], xmax: 200 });
    await warehouse.putAndLoad('fact_sale', { rows: [sale({ shape_id: '8' })], xmax: 100 });
    expect(await notes()).toEqual([{ sale_id: '1', note: 'newer' }]);
    expect(await waiting()).toEqual([]);
  });

  it('parks the newest of several versions of a waiting row', async () => {
    for (const [xmax, note] of [
      [200, 'second'],
      [300, 'third'],
      [100, 'first'],
    ] as const) {
      await warehouse.putAndLoad('fact_sale', { rows: [sale({ note })], xmax });
    }
    expect(await parked()).toEqual([{ sale_id: '1', note: 'third' }]);
    await warehouse.putAndLoad('dim_colour', { rows: [red] });
    expect(await warehouse.putAndLoad('dim_shape', { rows: [round] })).toMatchObject({ released: 1 });
    expect(await notes()).toEqual([{ sale_id: '1', note: 'third' }]);
  });
});
