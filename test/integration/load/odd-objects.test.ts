import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { TerminalError } from '../../../shared/errors.ts';
import { formatObjectKey } from '../../../shared/object-store/object-key.ts';
import { countWaiting } from '../../../shared/warehouse/count-waiting.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/temporary-postgres.ts';
import type { TextRow } from './parquet-objects.ts';
import { smallModel } from './small-model.ts';
import { WarehouseUnderTest } from './warehouse-under-test.ts';

const red = { colour_id: '1', name: 'red' };
const round = { shape_id: '7', name: 'round' };
const sale = (changes: TextRow = {}): TextRow => ({
  ...{ sale_id: '1', last_updated_date: '2024-02-29', last_updated_time: '12:00:00' },
  ...{ colour_id: '1', shape_id: '7', note: 'first' },
  ...changes,
});

describe('an odd object', () => {
  let server: PostgresServer;
  let warehouse: WarehouseUnderTest;
  let databases = 0;

  beforeAll(async () => {
    server = await startTemporaryPostgres();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    warehouse = await WarehouseUnderTest.make(await server.createDatabase(`w${databases++}`), smallModel);
  });
  afterEach(() => warehouse.end());

  const notes = () => warehouse.ask('select sale_id, note from fact_sale order by sale_id, note');
  const parked = () => warehouse.ask('select sale_id, note from starlift.parked_fact_sale order by sale_id');
  const entries = () => warehouse.ask('select warehouse_table, rows from starlift.object');
  const waiting = () => warehouse.database.withClient((client) => countWaiting(client, smallModel, 'public'));

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
        name: 'TerminalError',
        table: 'dim_colour',
        key: name,
        message: expect.stringMatching(/no whole Parquet file/),
      });
    }
    warehouse.bucket.objects.clear();
    await expect(warehouse.load(key)).rejects.toMatchObject({ name: 'TerminalError', key: name });
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
    await expect(warehouse.load(colours)).rejects.toThrow('the object has 1 rows, and its metadata say 2');
  });

  it('of a table that the model does not have is terminal', async () => {
    const key = { ...(await warehouse.put('dim_colour', { rows: [red] })), table: 'dim_taste' };
    await expect(warehouse.load(key)).rejects.toThrow('the star schema has no warehouse table dim_taste');
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
      ...{ date_id: '2024-02-29', year: '2024', month: '2', day: '29', day_of_week: '4' },
      ...{ day_name: 'Thursday', month_name: 'February', quarter: '1' },
    };
    await warehouse.putAndLoad('dim_date', { rows: [leapDay] });
    await warehouse.putAndLoad('dim_date', { rows: [leapDay], slice: 1 });
    expect(await warehouse.ask('select * from dim_date')).toEqual([{ ...leapDay, _object_id: '1' }]);
  });

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

  it('is loaded again by a replay, under its own id, where its rows have gone', async () => {
    const key = await warehouse.put('dim_colour', { rows: [red] });
    await warehouse.load(key);
    await warehouse.ask('truncate dim_colour');
    expect(await warehouse.load(key)).toMatchObject({ outcome: 'already loaded' });
    expect(await warehouse.load(key, { replay: 'r1' })).toMatchObject({ outcome: 'loaded', rows: 1 });
    expect(await warehouse.ask('select name, _object_id from dim_colour')).toEqual([
      { name: 'red', _object_id: '1' },
    ]);
    expect(await entries()).toHaveLength(1);
  });
});
