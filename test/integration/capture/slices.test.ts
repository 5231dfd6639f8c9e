import { describe, expect, it } from '@jest/globals';
import { TerminalError } from '../../../shared/errors.ts';
import { startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import type { CaptureBench } from './capture-bench.ts';
import { benchInEachTest } from './each-bench.ts';
import { countRows, ingestedObjects } from './ingested-rows.ts';

const sliceBytes = 64 * 1024;
/** Rows of about 1 kB that zstd cannot make much smaller. */
const insertRows = `
  insert into item
  select n, (select string_agg(md5(n || '-' || i), '') from generate_series(1, 30) i) from generate_series(1, $1) n`;

describe('slices', () => {
  let bench: CaptureBench;
  benchInEachTest(
    () => startTemporaryPostgres({ settings: { autovacuum: 'off' } }),
    (made) => {
      bench = made;
    },
  );

  const itemMessages = () => bench.queue.filter(({ table }) => table === 'item');

  it('cut a table by bytes, without a gap or an overlap', async () => {
    await bench.source.query(insertRows, [400]);
    const { slices } = await bench.plan({ sliceBytes });
    // 400 rows of 1 kB in slices of 64 KiB
    expect(slices.filter(({ table }) => table === 'item').length).toBeGreaterThanOrEqual(7);
    expect(new Set(slices.map(({ slice }) => slice)).size).toBe(slices.length);
    await bench.extractAll();
    expect(countRows(bench.store, 'item')).toBe(400);
    await bench.expectExact('item');
  });

  it('are not put where another model was put in force while they were read', async () => {
    await bench.plan({ modelNumber: 3 });
    const message = bench.queue.find(({ table }) => table === 'department');
    if (message === undefined) throw new Error('nothing was planned of department');
    expect(message.model).toBe(3);
    const before = [...bench.store.objects.keys()];
    expect(await bench.extract(message, { modelNumber: 3, isInForce: async () => false })).toEqual({
      outcome: 'other model',
      rows: 0,
    });
    expect([...bench.store.objects.keys()]).toEqual(before);
    const later = { modelNumber: 4, isInForce: async () => true };
    expect(await bench.extract(message, later)).toMatchObject({ outcome: 'ingested' });
    const [key = ''] = [...bench.store.objects.keys()].filter((each) => !before.includes(each));
    expect(bench.store.objects.get(key)?.metadata.model).toBe('4');
  });

  it('that hold nothing new get no message', async () => {
    await bench.source.query(insertRows, [400]);
    await bench.run();
    await bench.source.query(`update item set price = 1 where item_id in (5, 390)`);
    const { slices } = await bench.plan({ sliceBytes });
    // Both new versions are written where there is room: the last block or one behind it.
    expect(slices.length).toBeLessThanOrEqual(2);
    await bench.extractAll();
    expect(countRows(bench.store, 'item')).toBe(402);
    await bench.expectExact('item');
  });

  it('that hold a few new rows each are extracted together', async () => {
    await bench.source.query(insertRows, [400]);
    // Room for the new versions in each block, and the server knows how many rows there are.
    await bench.source.query('delete from item where item_id % 4 = 0');
    await bench.source.query('vacuum (analyze) item');
    await bench.run();
    const { rows } = await bench.source.query(
      `update item set price = 1 where item_id % 50 = 1 returning (ctid::text::point)[0]::int / 8 as slice`,
    );
    expect(new Set(rows.map(({ slice }) => slice)).size).toBeGreaterThanOrEqual(5);
    const { slices } = await bench.plan({ sliceBytes });
    expect(slices.length).toBeLessThanOrEqual(2);
    await bench.extractAll();
    expect(countRows(bench.store, 'item')).toBe(308);
    await bench.expectExact('item');
  });

  it('all get a message where the table is too large to be scanned at every plan', async () => {
    await bench.source.query(insertRows, [400]);
    await bench.run();
    await bench.source.query(`update item set price = 1 where item_id = 5`);
    const { slices } = await bench.plan({ sliceBytes, probeMaxBytes: 1000, lookBytes: sliceBytes });
    expect(slices.filter(({ table }) => table === 'item').length).toBeGreaterThanOrEqual(7);
    await bench.extractAll();
    expect(countRows(bench.store, 'item')).toBe(401);
    await bench.expectExact('item');
  });

  it('miss no row that moves from one to another between their extracts', async () => {
    await bench.source.query(insertRows, [400]);
    // Room in the first blocks, for rows to move to.
    await bench.source.query('delete from item where item_id <= 40');
    await bench.source.query('vacuum item');
    await bench.plan({ sliceBytes });
    const messages = itemMessages();
    const [first] = messages;
    if (first === undefined) throw new Error('no slice');
    await bench.extract(first);
    const { rows } = await bench.source.query(
      `update item set note = reverse(note) where item_id > 380
       returning (ctid::text::point)[0]::int as block`,
    );
    // The test means nothing unless rows did move into the slice that was extracted before.
    expect(rows.some(({ block }) => block < (first.blocks?.to ?? 0))).toBe(true);
    await bench.extractAll();
    await bench.run();
    await bench.expectExact('item');
  });

  it('are whole when the table is rewritten in another order between two of them', async () => {
    await bench.source.query(insertRows, [400]);
    await bench.source.query('create index backwards on item ((-item_id))');
    await bench.plan({ sliceBytes });
    const [first, ...others] = itemMessages();
    if (first === undefined) throw new Error('no slice');
    await bench.extract(first);
    await bench.source.query('cluster item using backwards');
    for (const message of others) await bench.extract(message);
    await bench.expectExact('item');
  });

  it('take a table that was truncated and filled again after the plan', async () => {
    await bench.source.query(insertRows, [400]);
    await bench.plan({ sliceBytes });
    await bench.source.query(`truncate item; insert into item values (7, 'anew')`);
    await bench.extractAll();
    await bench.run();
    await bench.expectExact('item');
  });

  it('of a partitioned table take the same blocks of each partition', async () => {
    await bench.source.query(`
      drop table item;
      create table item (item_id int primary key, note varchar, price numeric,
        last_updated timestamp not null default now()) partition by range (item_id);
      create table item_low partition of item for values from (minvalue) to (100);
      create table item_high partition of item for values from (100) to (maxvalue);`);
    await bench.source.query(insertRows, [400]);
    const { slices } = await bench.plan({ sliceBytes });
    expect(slices.filter(({ table }) => table === 'item').length).toBeGreaterThanOrEqual(4);
    await bench.extractAll();
    expect(countRows(bench.store, 'item')).toBe(400);
    await bench.expectExact('item');

    await bench.source.query(`update item set price = 3 where item_id in (50, 399)`);
    await bench.run();
    expect(countRows(bench.store, 'item')).toBe(402);
    await bench.expectExact('item');
  });

  it('whose object would be too large are cut in two, and again, until it is not', async () => {
    await bench.source.query(insertRows, [400]);
    await bench.plan();
    const outcomes = await bench.extractAll({ maxObjectBytes: 64 * 1024 });
    expect(outcomes.filter(({ outcome }) => outcome === 'split').length).toBeGreaterThanOrEqual(3);
    const objects = ingestedObjects(bench.store, 'item');
    expect(objects.every(({ key }) => (bench.store.objects.get(key)?.body.length ?? 0) <= 64 * 1024)).toBe(
      true,
    );
    expect(countRows(bench.store, 'item')).toBe(400);
    await bench.expectExact('item');
  });

  it('whose values are too much, however well they compress, are cut in two, and again, until they are not', async () => {
    await bench.source.query(`insert into item select n, repeat('same', 400) from generate_series(1, 400) n`);
    await bench.plan();
    const outcomes = await bench.extractAll({ maxCopyBytes: 256 * 1024 });
    expect(outcomes.filter(({ outcome }) => outcome === 'split').length).toBeGreaterThanOrEqual(2);
    const longest = outcomes.map(({ rows }) => rows).reduce((most, rows) => Math.max(most, rows), 0);
    expect(longest * 1600).toBeLessThanOrEqual(256 * 1024);
    expect(countRows(bench.store, 'item')).toBe(400);
    await bench.expectExact('item');
  });

  it('of one block are put up to the harder limit, and fail above it', async () => {
    await bench.source.query(insertRows, [1]);
    await bench.plan();
    const [message] = itemMessages();
    if (message === undefined) throw new Error('no slice');
    await expect(bench.extract(message, { maxObjectBytes: 100, maxUncutBytes: 200 })).rejects.toThrow(
      TerminalError,
    );
    expect(bench.store.objects.has('item')).toBe(false);
    const limits = { maxObjectBytes: 100, maxCopyBytes: 100 };
    expect((await bench.extract(message, limits)).outcome).toBe('ingested');
  });

  it('delivered twice leave the object that is there', async () => {
    await bench.source.query(`insert into item values (1, 'first')`);
    await bench.plan();
    const [message] = itemMessages();
    if (message === undefined) throw new Error('no slice');
    expect((await bench.extract(message)).outcome).toBe('ingested');
    await bench.source.query(`update item set note = 'second'`);
    expect((await bench.extract(message)).outcome).toBe('already ingested');
    expect(ingestedObjects(bench.store, 'item')[0]?.rows).toEqual([
      expect.objectContaining({ note: 'first' }),
    ]);
  });
});
