import { describe, expect, it } from '@jest/globals';
import { warehouseInEachTest } from '../../helpers/small-warehouse/each-warehouse.ts';
import { smallModel } from '../../helpers/small-warehouse/small-model.ts';
import type { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';

describe('a census that no other was before is judged against all keys of the warehouse', () => {
  let warehouse: WarehouseUnderTest;
  warehouseInEachTest(smallModel, (made) => {
    warehouse = made;
  });

  const load = (ids: string[], xmax: number) =>
    warehouse.putAndLoad('dim_colour', { rows: ids.map((colour_id) => ({ colour_id, name: 'red' })), xmax });
  const apply = async (ids: string[], xmax: number, slice = 1) => {
    const rows = ids.map((colour_id) => ({ colour_id }));
    const census = { seconds: 0 };
    return (await warehouse.putAndLoad('dim_colour', { rows, xmax, slice, census })).census;
  };
  const named = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => String(from + index));

  it('and is not held where the rest has been read anew in its snapshot', async () => {
    await load(named(1, 5), 50);
    await load(named(3, 5), 60);
    expect(await apply(named(3, 5), 60)).toMatchObject({ state: 'applied', marked: 2 });
  });

  it('and is held where they are all gone, also where others have come since', async () => {
    await load(['1', '2'], 50);
    expect(await apply([], 60)).toMatchObject({ state: 'held', reason: 'all 2 keys are gone' });
    await load(['3'], 70);
    expect(await apply(['3'], 70, 2)).toMatchObject({ state: 'held', reason: '2 of 3 keys are gone' });
  });

  it('but for those that are marked already', async () => {
    await load(named(1, 3000), 50);
    await warehouse.ask('update dim_colour set _deleted_by = _object_id where colour_id <= 2000');
    expect(await apply(named(2002, 3000), 60)).toMatchObject({ state: 'applied', marked: 1 });
  });
});
