import { describe, expect, it } from '@jest/globals';
import { warehouseInEachTest } from '../../helpers/small-warehouse/each-warehouse.ts';
import { smallModel } from '../../helpers/small-warehouse/small-model.ts';
import { red, round, sale } from '../../helpers/small-warehouse/small-rows.ts';
import type { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';

const salesQuery = `
  select sale_id, last_updated_date, last_updated_time, colour_id, shape_id, note from fact_sale
  order by sale_id, last_updated_date, last_updated_time`;
const parkedQuery = `select sale_id, note from starlift.parked_fact_sale order by sale_id`;
const coloursQuery = 'select colour_id, name from dim_colour order by colour_id';

describe('a load', () => {
  let warehouse: WarehouseUnderTest;
  warehouseInEachTest(smallModel, (made) => {
    warehouse = made;
  });

  const loadDimensions = async () => {
    await warehouse.putAndLoad('dim_colour', { rows: [red] });
    await warehouse.putAndLoad('dim_shape', { rows: [round] });
  };

  it('puts rows, the dates they name, and one ledger entry', async () => {
    await loadDimensions();
    const result = await warehouse.putAndLoad('fact_sale', { rows: [sale()] });
    expect(result).toMatchObject({ outcome: 'loaded', rows: 1, waiting: 0, released: 0 });
    expect(await warehouse.ask(salesQuery)).toEqual([sale()]);
    expect(await warehouse.ask('select date_id, day_name from dim_date')).toEqual([
      { date_id: '2024-02-29', day_name: 'Thursday' },
    ]);
    expect(
      await warehouse.ask(`
        select o.warehouse_table, o.slice, o.rows, o.snapshot_xmax
        from fact_sale f join starlift.object o on o.object_id = f._object_id`),
    ).toEqual([{ warehouse_table: 'fact_sale', slice: '0000', rows: '1', snapshot_xmax: '100' }]);
  });

  it('does nothing the second time', async () => {
    await loadDimensions();
    const key = await warehouse.put('fact_sale', { rows: [sale()] });
    await warehouse.load(key);
    expect(await warehouse.load(key)).toMatchObject({ outcome: 'already loaded', rows: 0 });
    expect(await warehouse.ask(salesQuery)).toHaveLength(1);
  });

  it('never takes a dimension row back to an older object', async () => {
    await warehouse.putAndLoad('dim_colour', { rows: [{ ...red, name: 'scarlet' }], xmax: 200 });
    await warehouse.putAndLoad('dim_colour', { rows: [red, { colour_id: '2', name: 'blue' }], xmax: 100 });
    expect(await warehouse.ask(coloursQuery)).toEqual([
      { colour_id: '1', name: 'scarlet' },
      { colour_id: '2', name: 'blue' },
    ]);
  });

  it('parks a fact without its dimensions, lets the others pass, and releases it when the last one lands', async () => {
    await warehouse.putAndLoad('dim_colour', { rows: [red] });
    const free = sale({ sale_id: '2', shape_id: null });
    const first = await warehouse.putAndLoad('fact_sale', { rows: [sale(), free] });
    expect(first).toMatchObject({ rows: 2, waiting: 1 });
    expect(await warehouse.ask(salesQuery)).toEqual([free]);
    expect(await warehouse.ask(parkedQuery)).toEqual([{ sale_id: '1', note: 'first' }]);
    const second = await warehouse.putAndLoad('dim_shape', { rows: [round] });
    expect(second).toMatchObject({ waiting: 0, released: 1 });
    expect(await warehouse.ask(salesQuery)).toEqual([sale(), free]);
    expect(await warehouse.ask(parkedQuery)).toEqual([]);
  });
});
