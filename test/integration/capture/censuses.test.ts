import { zstdDecompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { defineDimension, int } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { loadedKey, parseObjectKey } from '../../../shared/object-store/object-key.ts';
import { parseIngestedMetadata } from '../../../shared/object-store/object-metadata.ts';
import type { ExtractMessage } from '../../../shared/records/plan/extract-message.ts';
import { calendar } from '../../helpers/models/calendar.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../helpers/seen.ts';
import { attachCaptureBench, type CaptureBench, makeCaptureBench } from './capture-bench.ts';

const model = assembleModel({
  name: 'test',
  tables: [
    calendar,
    defineDimension({
      name: 'dim_item',
      source: { table: 'item', key: ['item_id'], columns: { item_id: 'int4' } },
      key: ['item_id'],
      columns: { item_id: int('item_id') },
    }),
  ],
});

describe('a census', () => {
  let server: PostgresServer;
  let bench: CaptureBench;
  let now: Date;
  let name: string;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    name = `censuses_${Date.now()}`;
    bench = await makeCaptureBench(await server.createDatabase(name));
    now = new Date('2026-11-30T10:00:00Z');
    await change('insert into item select n from generate_series(1, 5000) n');
  });
  afterEach(() => bench?.end());

  /** A session reports its deletes a while after they are committed. */
  const change = (sql: string) =>
    bench.source.query(`begin; ${sql}; select pg_stat_force_next_flush(); commit`);
  const later = (seconds: number) => {
    now = new Date(now.getTime() + 1000 * seconds);
  };
  const options = () => ({ model, now: () => now, censusFloorSeconds: 60 });
  /** @returns the censuses that the plan has sent; all of its messages are extracted */
  const run = async (asked = {}): Promise<ExtractMessage[]> => {
    await bench.plan({ ...options(), ...asked });
    const sent = bench.queue.filter(({ census }) => census !== undefined);
    await bench.extractAll({ model });
    return sent;
  };
  const sent = async (asked = {}) => (await run(asked)).map(({ table }) => table);
  const noteWhole = () =>
    bench.store.put(
      loadedKey,
      Buffer.from(JSON.stringify({ version: 1, newest: null, entries: 0, generation: '0', whole: ['item'] })),
    );
  const newest = async () => {
    const keys = [...bench.store.objects.keys()].filter((key) => key.startsWith('.census/')).sort();
    const key = keys.at(-1) ?? '';
    const stored = await bench.store.get(key);
    if (stored === undefined) throw new Error('no census is there');
    return {
      key: parseObjectKey(key),
      metadata: parseIngestedMetadata(key, stored.metadata),
      lines: zstdDecompressSync(stored.body).toString().trimEnd().split('\n'),
    };
  };

  it('is sent once the first load is whole, and has the keys in order and the version of its snapshot', async () => {
    expect(await sent()).toEqual([]);
    expect(await sent()).toEqual([]);
    await noteWhole();
    expect(await sent()).toEqual(['item']);
    const { key, metadata, lines } = await newest();
    expect(key).toMatchObject({ zone: 'ingested', table: 'item', census: true });
    expect(metadata).toMatchObject({ rows: 5000, census: { seconds: expect.any(Number) } });
    expect(metadata.census).not.toHaveProperty('previous');
    expect(lines.slice(0, 2)).toEqual(['{"item_id":1}', '{"item_id":2}']);
    expect(lines.length).toBe(5000);
    const { rows } = await bench.source.query('select pg_snapshot_xmax(pg_current_snapshot())::text as xmax');
    expect(BigInt(metadata.version.xmax)).toBeLessThanOrEqual(BigInt(rows[0]?.xmax));
    // Of no row is anything said.
    expect((await bench.plan(options())).slices).toEqual([]);
  });

  it.each([
    ['a delete', 'delete from item where item_id = 7'],
    ['a table that was emptied', 'truncate item'],
  ])('is sent for %s, and for nothing else', async (_, sql) => {
    await noteWhole();
    expect(await sent()).toEqual(['item']);
    later(100);
    await change('insert into item values (9001)');
    expect(await sent()).toEqual([]);
    await change(sql);
    expect(await sent()).toEqual(['item']);
    later(100);
    expect(await sent()).toEqual([]);
  });

  it('is sent by a plan that is to be exact, however short a while after the last one', async () => {
    await noteWhole();
    expect(await sent()).toEqual(['item']);
    await change('delete from item where item_id = 7');
    expect(await sent()).toEqual([]);
    expect(await sent({ isExact: true })).toEqual(['item']);
    expect(await sent({ isExact: true })).toEqual([]);
  });

  it.each([
    ['all counters', 'select pg_stat_reset()'],
    ['those of one table', `select pg_stat_reset_single_table_counters('item'::regclass)`],
  ])('is sent after a reset of %s, though they come to the same numbers again', async (_, reset) => {
    await noteWhole();
    await change('delete from item where item_id <= 2');
    expect(await sent()).toEqual(['item']);
    const counted = async () =>
      (await bench.source.query(`select pg_stat_get_tuples_deleted('item'::regclass)::int as deleted`)).rows;
    expect(await counted()).toEqual([{ deleted: 2 }]);
    later(100);
    await change(reset);
    await change('delete from item where item_id in (3, 4)');
    expect(await counted()).toEqual([{ deleted: 2 }]);
    expect(await sent()).toEqual(['item']);
    expect((await newest()).lines[0]).toBe('{"item_id":5}');
    later(100);
    expect(await sent()).toEqual([]);
  });

  it('is sent after a crash of one session, which begins the counters anew and keeps the server’s start', async () => {
    await noteWhole();
    await change('delete from item where item_id <= 2');
    expect(await sent()).toEqual(['item']);
    const started = async (client: pg.Client) =>
      (await client.query('select pg_postmaster_start_time()::text as at')).rows;
    const before = await started(bench.source);
    const victim = await bench.connect();
    const { rows } = await victim.query('select pg_backend_pid() as pid');
    process.kill(rows[0].pid, 'SIGKILL');
    // The server ends all other sessions before it begins anew.
    await seen(() =>
      bench.source.query('select 1').then(
        () => false,
        () => true,
      ),
    );
    const crashed = bench;
    await seen(() =>
      attachCaptureBench(server.url(name), bench.store).then(
        (attached) => {
          bench = attached;
          return true;
        },
        () => false,
      ),
    );
    await crashed.end();
    expect(await started(bench.source)).toEqual(before);
    later(100);
    // As many as there were before.
    await change('delete from item where item_id in (3, 4)');
    expect(await sent()).toEqual(['item']);
    expect((await newest()).lines[0]).toBe('{"item_id":5}');
  });

  it('is sent for a key that changed, a quarter of an hour after the last one', async () => {
    await noteWhole();
    expect(await sent()).toEqual(['item']);
    await change('update item set item_id = 7000 where item_id = 7');
    later(899);
    expect(await sent()).toEqual([]);
    later(1);
    expect(await sent()).toEqual(['item']);
    later(1000);
    expect(await sent()).toEqual([]);
  });

  it('is sent after a resync, and once a day in any case', async () => {
    await noteWhole();
    await sent();
    later(24 * 3600 - 1);
    expect(await sent()).toEqual([]);
    later(1);
    expect(await sent()).toEqual(['item']);
    later(100);
    await bench.store.put(
      'state/requests/1.json',
      Buffer.from(
        JSON.stringify({
          version: 1,
          id: '1',
          reason: 'asked',
          requestedAt: now.toISOString(),
          tables: ['item'],
        }),
      ),
    );
    expect(await sent()).toEqual(['item']);
  });

  it('is not put off by a clock that was set back, and nor is the one after a message that was lost', async () => {
    await noteWhole();
    expect(await sent()).toEqual(['item']);
    await change('delete from item where item_id = 1');
    later(-30 * 24 * 3600);
    const [second] = await run();
    expect(second?.table).toBe('item');
    expect((await newest()).lines[0]).toBe('{"item_id":2}');
    // Whatever asks which of two is the newer one compares their runs.
    expect((await newest()).key.run).toBe(second?.run);
    later(100);
    expect(await sent()).toEqual([]);

    await change('delete from item where item_id = 2');
    await bench.plan(options());
    bench.queue.splice(0);
    later(-30 * 24 * 3600);
    expect(await sent()).toEqual(['item']);
    expect((await newest()).lines[0]).toBe('{"item_id":3}');
  });

  it('is sent neither before the floor, nor while another one is under way, and rests for 20 times as long', async () => {
    await noteWhole();
    await bench.plan(options());
    const [message] = bench.queue.splice(0).filter(({ census }) => census !== undefined);
    if (message === undefined) throw new Error('no census was sent');
    later(100);
    await change('delete from item where item_id = 1');
    expect(await sent()).toEqual([]);
    await bench.extract(message, { model });
    // The one that was under way has seen the delete; what was noted before it had not.
    expect(await sent()).toEqual(['item']);
    await change('delete from item where item_id = 2');
    later(59);
    expect(await sent()).toEqual([]);
    later(1);
    expect(await sent()).toEqual(['item']);
    // As if it had taken ten seconds.
    const { key, metadata } = await newest();
    const stored = bench.store.objects.get(`.census/item/2026/11/30/${key.run}-${key.slice}.ndjson.zst`);
    if (stored === undefined) throw new Error('no census is there');
    stored.metadata.census = JSON.stringify({ ...metadata.census, seconds: 10 });
    await change('delete from item where item_id = 3');
    later(199);
    expect(await sent()).toEqual([]);
    later(1);
    expect(await sent()).toEqual(['item']);
  });

  it('that has failed is not sent at each plan, and the next one settles it', async () => {
    await noteWhole();
    await bench.plan(options());
    const [message] = bench.queue.splice(0).filter(({ census }) => census !== undefined);
    if (message === undefined) throw new Error('no census was sent');
    await bench.store.put(`failed/${message.run}-${message.slice}.json`, Buffer.from('{}'));
    later(100);
    expect(await sent()).toEqual([]);
    await change('delete from item where item_id = 1');
    expect(await sent()).toEqual(['item']);
  });

  describe('is judged against the last one that was not held', () => {
    const heldAfter = async (sql: string) => {
      later(100);
      await change(sql);
      expect(await sent()).toEqual(['item']);
      return (await newest()).metadata.census;
    };
    beforeEach(async () => {
      await noteWhole();
      await sent();
    });

    it('and is not held for a fifth of the keys', async () => {
      const first = (await newest()).key.run;
      const census = await heldAfter('delete from item where item_id <= 1000');
      expect(census?.previous).toBe(first);
      expect(census).not.toHaveProperty('held');
    });

    it('and is held for more, and so is the next one', async () => {
      const first = (await newest()).key.run;
      const held = await heldAfter('delete from item where item_id <= 1001');
      expect(held).toMatchObject({ previous: first, held: '1001 of 5000 keys are gone' });
      const again = await heldAfter('delete from item where item_id = 2000');
      expect(again).toMatchObject({ previous: first, held: '1002 of 5000 keys are gone' });
    });

    it('and is held for all of them, however few', async () => {
      await heldAfter('delete from item where item_id > 1000');
      await bench.store.put(
        `state/censuses/verdicts/${(await newest()).key.run}-0000.json`,
        Buffer.from(JSON.stringify({ version: 1, verdict: 'apply', decidedAt: now.toISOString() })),
      );
      const census = await heldAfter('delete from item where item_id > 1');
      expect(census).not.toHaveProperty('held');
      expect(await heldAfter('delete from item')).toMatchObject({ held: 'its only key is gone' });
    });
  });
});
