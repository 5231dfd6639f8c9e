import { describe, expect, it } from '@jest/globals';
import { loadObject } from '../../../services/loading/load/load.ts';
import type { Dimension } from '../../../shared/model/model.ts';
import { formatObjectKey, type ProcessedKey } from '../../../shared/object-store/object-key.ts';
import { warehouseInEachTest } from '../../helpers/small-warehouse/each-warehouse.ts';
import { smallModel } from '../../helpers/small-warehouse/small-model.ts';
import { red } from '../../helpers/small-warehouse/small-rows.ts';
import type { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';

describe('a load of an object, by the number of the model that made it', () => {
  let warehouse: WarehouseUnderTest;
  warehouseInEachTest(smallModel, (made) => {
    warehouse = made;
  });

  /** @param noted the number in the warehouse's binding */
  const bind = (noted: number) =>
    warehouse.ask(
      `insert into starlift.binding (warehouse_id, model_id, model_number) values (gen_random_uuid(), 'a', ${noted})`,
    );
  const put = async (model: number, table = smallModel.table('dim_colour')): Promise<ProcessedKey> => {
    const key = await warehouse.bucket.put(table, { rows: [red] });
    const object = warehouse.bucket.objects.get(formatObjectKey(key));
    if (object !== undefined) object.metadata.model = String(model);
    return key;
  };
  const load = (key: ProcessedKey, modelNumber: number, looked = modelNumber) =>
    loadObject(key, {
      database: warehouse.database,
      processed: warehouse.bucket,
      notify: async () => {},
      model: smallModel,
      schema: 'public',
      readRun: warehouse.readRun,
      modelNumber,
      looked,
    });
  const loaded = async () => ({
    rows: await warehouse.ask('select name from dim_colour'),
    entries: await warehouse.ask('select key from starlift.object'),
  });
  const nothing = { rows: [], entries: [] };
  /** What an older model has made of the table, which had one column less. */
  const narrower = {
    ...smallModel.table('dim_colour'),
    columns: smallModel.table('dim_colour').columns.slice(1),
  } as Dimension;

  it('lands nothing in a table that is a later model’s, and names that', async () => {
    await bind(2);
    await expect(load(await put(1), 1)).rejects.toMatchObject({ name: 'LaterModelError', number: 2 });
    expect(await loaded()).toEqual(nothing);
    // The pointer was looked at, and has a lower number.
    expect(await load(await put(1), 1, 2)).toMatchObject({ outcome: 'loaded' });
  });

  it('lands nothing that a later model has made', async () => {
    await bind(1);
    await expect(load(await put(3), 1)).rejects.toMatchObject({ name: 'LaterModelError', number: 3 });
    expect(await loaded()).toEqual(nothing);
  });

  it('lands what an older model has made where its columns are the same', async () => {
    await bind(2);
    expect(await load(await put(1), 2)).toMatchObject({ outcome: 'loaded', rows: 1 });
    expect((await loaded()).rows).toEqual([{ name: 'red' }]);
  });

  it('leaves what an older model has made with other columns', async () => {
    await bind(2);
    expect(await load(await put(1, narrower), 2)).toMatchObject({ outcome: 'outdated', rows: 0 });
    expect(await loaded()).toEqual(nothing);
  });

  it('refuses other columns in an object of the model in force', async () => {
    await bind(2);
    await expect(load(await put(2, narrower), 2)).rejects.toMatchObject({
      name: 'LostObjectError',
      message: expect.stringMatching(/the object's columns are not those of dim_colour/),
    });
  });
});
