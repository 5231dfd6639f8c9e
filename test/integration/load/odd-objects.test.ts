import { describe, expect, it } from '@jest/globals';
import { TerminalError } from '../../../shared/errors.ts';
import { formatObjectKey } from '../../../shared/object-store/object-key.ts';
import { warehouseInEachTest } from '../../helpers/small-warehouse/each-warehouse.ts';
import { smallModel } from '../../helpers/small-warehouse/small-model.ts';
import { red, round } from '../../helpers/small-warehouse/small-rows.ts';
import type { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';

describe('an odd object', () => {
  let warehouse: WarehouseUnderTest;
  warehouseInEachTest(smallModel, (made) => {
    warehouse = made;
  });

  const entries = () => warehouse.ask('select warehouse_table, rows from starlift.object');

  it('of no rows has its ledger entry', async () => {
    expect(await warehouse.putAndLoad('fact_sale', { rows: [] })).toMatchObject({
      outcome: 'loaded',
      rows: 0,
    });
    expect(await entries()).toEqual([{ warehouse_table: 'fact_sale', rows: '0' }]);
  });

  it('that is not there, not Parquet, empty or cut short is terminal, names its key, and leaves nothing', async () => {
    const key = await warehouse.put('dim_colour', { rows: [red] });
    const name = formatObjectKey(key);
    const stored = warehouse.bucket.objects.get(name);
    const whole = stored?.body ?? new Uint8Array();
    const bodies = [
      new Uint8Array(),
      Buffer.from('PAR1 or so they say PAR1'),
      whole.subarray(0, whole.length - 9),
    ];
    for (const body of bodies) {
      warehouse.bucket.objects.set(name, { body, metadata: stored?.metadata ?? {}, etag: '' });
      await expect(warehouse.load(key)).rejects.toMatchObject({
        name: 'LostObjectError',
        table: 'dim_colour',
        key: name,
        message: expect.stringMatching(/not a whole Parquet file/),
      });
    }
    warehouse.bucket.objects.clear();
    await expect(warehouse.load(key)).rejects.toMatchObject({ name: 'LostObjectError', key: name });
    expect(await entries()).toEqual([]);
  });

  it('with other columns, or other rows than it says, is terminal', async () => {
    const shapes = await warehouse.put('dim_shape', { rows: [round] });
    const colours = await warehouse.put('dim_colour', { rows: [red] });
    const objects = warehouse.bucket.objects;
    const [shape, colour] = [shapes, colours].map((key) => objects.get(formatObjectKey(key)));
    if (shape === undefined || colour === undefined) throw new Error('the objects were not put');
    objects.set(formatObjectKey(colours), shape);
    await expect(warehouse.load(colours)).rejects.toThrow(
      "the object's columns are not those of dim_colour: column 1 is shape_id, and must be colour_id",
    );
    objects.set(formatObjectKey(colours), { ...colour, metadata: { ...colour.metadata, rows: '2' } });
    await expect(warehouse.load(colours)).rejects.toThrow(
      "the object's number of rows is 1, and its metadata says 2",
    );
  });

  it('of a table that the model does not have says so, and is entered nowhere', async () => {
    const before = await entries();
    const key = { ...(await warehouse.put('dim_colour', { rows: [red] })), table: 'dim_taste' };
    expect(await warehouse.load(key)).toMatchObject({ outcome: 'not in the model', rows: 0 });
    expect(await entries()).toEqual(before);
  });

  it('with one row twice lands; with two rows of one key it is terminal', async () => {
    const blue = { colour_id: '2', name: 'blue' };
    await warehouse.putAndLoad('dim_colour', { rows: [red, blue, red] });
    expect(await warehouse.ask('select * from dim_colour')).toHaveLength(2);
    const twice = { rows: [red, { ...red, name: 'scarlet' }], xmax: 200 };
    await expect(warehouse.putAndLoad('dim_colour', twice)).rejects.toThrow(TerminalError);
    expect(await entries()).toHaveLength(1);
  });

  it('with a value that Postgres refuses leaves nothing behind', async () => {
    const refused = { rows: [red, { colour_id: '2', name: 'nul \u0000' }] };
    await expect(warehouse.putAndLoad('dim_colour', refused)).rejects.toMatchObject({
      name: 'TerminalError',
      table: 'dim_colour',
      message: expect.stringMatching(/SQLSTATE 22021/),
    });
    expect(await warehouse.ask('select * from dim_colour')).toEqual([]);
    expect(await entries()).toEqual([]);
  });

  it('of dates brings those that are missing', async () => {
    const leapDay = {
      date_id: '2024-02-29',
      year: '2024',
      month: '2',
      day: '29',
      day_of_week: '4',
      day_name: 'Thursday',
      month_name: 'February',
      quarter: '1',
    };
    await warehouse.putAndLoad('dim_date', { rows: [leapDay] });
    await warehouse.putAndLoad('dim_date', { rows: [leapDay], slice: 1 });
    const [first] = await warehouse.ask('select min(object_id) as id from starlift.object');
    expect(await warehouse.ask('select * from dim_date')).toEqual([{ ...leapDay, _object_id: first?.id }]);
  });

  it('is loaded again by a replay, under its own id, where its rows have gone', async () => {
    const key = await warehouse.put('dim_colour', { rows: [red] });
    await warehouse.load(key);
    const before = await warehouse.ask('select name, _object_id from dim_colour');
    await warehouse.ask('truncate dim_colour');
    expect(await warehouse.load(key)).toMatchObject({ outcome: 'already loaded' });
    expect(await warehouse.load(key, { replay: 'r1' })).toMatchObject({ outcome: 'loaded', rows: 1 });
    expect(before).toMatchObject([{ name: 'red' }]);
    expect(await warehouse.ask('select name, _object_id from dim_colour')).toEqual(before);
    expect(await entries()).toHaveLength(1);
  });
});
