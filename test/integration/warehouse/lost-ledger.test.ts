import { beforeEach, describe, expect, it } from '@jest/globals';
import { countWaiting } from '../../../shared/ledger/count-waiting.ts';
import { prepareWarehouse } from '../../../shared/warehouse/ensure-warehouse.ts';
import { warehouseInEachTest } from '../../helpers/small-warehouse/each-warehouse.ts';
import { smallModel } from '../../helpers/small-warehouse/small-model.ts';
import { blue, red, round, sale } from '../../helpers/small-warehouse/small-rows.ts';
import type { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';

describe('a warehouse that has lost its ledger', () => {
  let warehouse: WarehouseUnderTest;
  warehouseInEachTest(smallModel, (made) => {
    warehouse = made;
  });
  beforeEach(async () => {
    await warehouse.putAndLoad('dim_colour', { rows: [red, blue], xmax: 10 });
    await warehouse.putAndLoad('dim_shape', { rows: [round], xmax: 10 });
    await warehouse.putAndLoad('fact_sale', { rows: [sale()], xmax: 10 });
  });

  const prepare = () =>
    warehouse.database.withClient((client) =>
      prepareWarehouse(client, smallModel, { schema: 'public', foreignKeys: 'declared' }),
    );
  const colours = () => warehouse.ask('select colour_id, name from dim_colour order by colour_id');
  const greatestId = async () => {
    const [row] = await warehouse.ask(`
      select greatest((select max(_object_id) from dim_colour), (select max(_object_id) from fact_sale)) as id`);
    return BigInt(row?.id ?? 0);
  };

  it('takes every later change of a row that it has', async () => {
    await warehouse.ask('drop schema starlift cascade');
    await prepare();
    await warehouse.putAndLoad('dim_colour', { rows: [{ ...red, name: 'scarlet' }], xmax: 20 });
    await warehouse.putAndLoad('fact_sale', { rows: [sale({ note: 'corrected' })], xmax: 20 });
    expect(await colours()).toEqual([
      { colour_id: '1', name: 'scarlet' },
      { colour_id: '2', name: 'blue' },
    ]);
    expect(await warehouse.ask('select note from fact_sale')).toEqual([{ note: 'corrected' }]);
  });

  it('takes them too where entries of one table alone were deleted', async () => {
    await warehouse.ask(`delete from starlift.object where warehouse_table = 'dim_colour'`);
    await warehouse.putAndLoad('dim_colour', { rows: [{ ...red, name: 'scarlet' }], xmax: 20 });
    await warehouse.putAndLoad('dim_colour', { rows: [{ ...red, name: 'old' }], xmax: 15 });
    expect(await colours()).toEqual([
      { colour_id: '1', name: 'scarlet' },
      { colour_id: '2', name: 'blue' },
    ]);
  });

  it('gives no id a second time', async () => {
    const before = await greatestId();
    await warehouse.ask('drop schema starlift cascade');
    await prepare();
    await warehouse.putAndLoad('dim_colour', { rows: [{ ...red, name: 'scarlet' }], xmax: 20 });
    const [entry] = await warehouse.ask('select min(object_id) as id from starlift.object');
    expect(BigInt(entry?.id ?? 0)).toBeGreaterThan(before);
  });

  it('still counts the rows that wait in it', async () => {
    await warehouse.putAndLoad('fact_sale', { rows: [sale({ sale_id: '2', colour_id: '9' })], xmax: 20 });
    await warehouse.ask(`delete from starlift.object where warehouse_table = 'fact_sale'`);
    const waiting = await warehouse.database.withClient((client) =>
      countWaiting(client, smallModel, 'public'),
    );
    expect(waiting).toEqual([{ table: 'fact_sale', run: null, rows: 1 }]);
  });

  it('requests once that the source is read in full', async () => {
    await warehouse.ask('drop schema starlift cascade');
    await prepare();
    await prepare();
    expect(await warehouse.ask('select reason, forwarded_at from starlift.resync')).toEqual([
      { reason: 'the ledger had to be made again, and the tables already had rows', forwarded_at: null },
    ]);
  });

  it('requests nothing where no table has rows', async () => {
    await warehouse.ask('drop schema starlift cascade; truncate dim_colour, dim_shape, fact_sale');
    await prepare();
    expect(await warehouse.ask('select count(*) from starlift.resync')).toEqual([{ count: '0' }]);
  });
});
