import { beforeEach, describe, expect, it } from '@jest/globals';
import { notifyReleases } from '../../../services/loading/load/report-load.ts';
import { TransientError } from '../../../shared/errors.ts';
import { dateOf, defineFact, int, timeOf, varchar } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { warehouseInEachTest } from '../../helpers/small-warehouse/each-warehouse.ts';
import { smallTables } from '../../helpers/small-warehouse/small-model.ts';
import { red, round, sale } from '../../helpers/small-warehouse/small-rows.ts';
import type { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';

const gift = defineFact({
  name: 'fact_gift',
  source: {
    table: 'gift',
    key: ['gift_id'],
    columns: { gift_id: 'int4', colour_id: 'int4', note: 'varchar', last_updated: 'timestamp' },
  },
  key: ['gift_id'],
  versions: ['last_updated_date', 'last_updated_time'],
  surrogateKey: 'gift_record_id',
  columns: {
    gift_id: int('gift_id'),
    last_updated_date: dateOf('last_updated'),
    last_updated_time: timeOf('last_updated'),
    colour_id: int('colour_id', { references: 'dim_colour' }),
    note: varchar('note'),
  },
});
const model = assembleModel({ name: 'test', tables: [...smallTables, gift] });

const giftRow = (changes: Record<string, string> = {}) => ({
  gift_id: '1',
  last_updated_date: '2024-02-29',
  last_updated_time: '12:00:00.000000',
  colour_id: '1',
  note: 'for you',
  ...changes,
});

describe('a dimension that releases rows which the warehouse refuses', () => {
  let warehouse: WarehouseUnderTest;
  warehouseInEachTest(model, (made) => {
    warehouse = made;
  });
  beforeEach(async () => {
    await warehouse.putAndLoad('dim_shape', { rows: [round] });
    await warehouse.putAndLoad('fact_sale', { rows: [sale()] });
    await warehouse.putAndLoad('fact_gift', { rows: [giftRow()] });
  });

  const refuse = () => warehouse.ask(`alter table fact_gift add constraint no_gifts check (gift_id > 100)`);
  const mend = () => warehouse.ask('alter table fact_gift drop constraint no_gifts');
  const parkedGifts = () => warehouse.ask('select gift_id from starlift.parked_fact_gift');
  const gifts = () => warehouse.ask('select gift_id, note from fact_gift order by 1');
  const unreleased = () => warehouse.ask('select warehouse_table, tried_by, reason from starlift.unreleased');
  const reason = 'new row for relation "fact_gift" violates check constraint "no_gifts" (SQLSTATE 23514)';

  it('lands, and so do the other facts; the rows of the refused one wait, with the reason', async () => {
    await refuse();
    const result = await warehouse.putAndLoad('dim_colour', { rows: [red] });
    expect(result).toMatchObject({ outcome: 'loaded', released: 1 });
    expect(result.releases).toEqual([
      { table: 'fact_sale', rows: 1, hasRecovered: false },
      { table: 'fact_gift', rows: 0, refusal: { reason, isNews: true }, hasRecovered: false },
    ]);
    expect(await warehouse.ask('select name from dim_colour')).toEqual([{ name: 'red' }]);
    expect(await warehouse.ask('select sale_id from fact_sale')).toEqual([{ sale_id: '1' }]);
    expect(await gifts()).toEqual([]);
    expect(await parkedGifts()).toEqual([{ gift_id: '1' }]);
    expect(await unreleased()).toEqual([{ warehouse_table: 'fact_gift', tried_by: 'dim_colour', reason }]);
  });

  it('tells of it once, however often it is tried, and once more when it is over', async () => {
    const told: unknown[] = [];
    const tell = async (xmax: number) => {
      const { releases } = await warehouse.putAndLoad('dim_colour', { rows: [red], xmax });
      await notifyReleases(releases, `key ${xmax}`, {
        queue: 'load',
        logger: { warn: () => {}, error: () => {} },
        notify: async ({ type, detail }) => void told.push({ type, ...detail }),
      });
    };
    await refuse();
    await tell(101);
    await tell(102);
    await mend();
    await tell(103);
    await tell(104);
    const subject = { queue: 'load', table: 'fact_gift' };
    expect(told).toEqual([
      { type: 'Table Failed', ...subject, key: 'key 101', error: 'TerminalError', reason },
      { type: 'Table Recovered', ...subject, key: 'key 103' },
    ]);
    expect(await gifts()).toEqual([{ gift_id: '1', note: 'for you' }]);
    expect(await parkedGifts()).toEqual([]);
    expect(await unreleased()).toEqual([]);
  });

  it('is told of again where the reason is another', async () => {
    await refuse();
    await warehouse.putAndLoad('dim_colour', { rows: [red] });
    await mend();
    await warehouse.ask('alter table fact_gift add column surprise int not null');
    const { releases } = await warehouse.putAndLoad('dim_colour', { rows: [red], xmax: 101 });
    expect(releases.at(-1)?.refusal).toMatchObject({
      isNews: true,
      reason: expect.stringMatching(/"surprise".*SQLSTATE 23502/),
    });
  });

  it('is replayed to release them once the warehouse is mended', async () => {
    await refuse();
    const key = await warehouse.put('dim_colour', { rows: [red] });
    await warehouse.load(key);
    await mend();
    expect(await warehouse.load(key, { replay: 'r1' })).toMatchObject({ released: 1 });
    expect(await gifts()).toHaveLength(1);
  });

  it('need not come again where the fact itself is loaded again', async () => {
    await refuse();
    await warehouse.putAndLoad('dim_colour', { rows: [red] });
    await mend();
    const second = { rows: [giftRow({ gift_id: '2', note: 'for me' })], slice: 1 };
    expect(await warehouse.putAndLoad('fact_gift', second)).toMatchObject({ waiting: 0, released: 1 });
    expect(await gifts()).toEqual([
      { gift_id: '1', note: 'for you' },
      { gift_id: '2', note: 'for me' },
    ]);
    expect(await unreleased()).toEqual([]);
  });

  it('is tried again as a whole where the refusal may pass by itself', async () => {
    await warehouse.ask(`
      create function refuse() returns trigger language plpgsql as
      $$ begin raise exception 'no room' using errcode = 'disk_full'; end $$`);
    await warehouse.ask(
      'create trigger full_disk before insert on fact_gift for each row execute function refuse()',
    );
    const key = await warehouse.put('dim_colour', { rows: [red] });
    await expect(warehouse.load(key)).rejects.toThrow(TransientError);
    expect(await warehouse.ask('select from dim_colour')).toEqual([]);
    expect(await warehouse.ask('select from fact_sale')).toEqual([]);
    expect(await unreleased()).toEqual([]);
    await warehouse.ask('drop trigger full_disk on fact_gift');
    expect(await warehouse.load(key)).toMatchObject({ outcome: 'loaded', released: 2 });
    expect(await parkedGifts()).toEqual([]);
  });
});
