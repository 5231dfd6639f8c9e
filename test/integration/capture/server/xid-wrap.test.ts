import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import pg from 'pg';
import {
  describeWithInstalledPostgres,
  startInstalled,
} from '../../../helpers/postgres/installed-postgres.ts';
import { serverUser } from '../../../helpers/postgres/postgres-binaries.ts';
import type { PostgresServer } from '../../../helpers/postgres/temporary-postgres.ts';
import { attachCaptureBench, type CaptureBench, makeCaptureBench } from '../capture-bench.ts';
import { countRows } from '../ingested-rows.ts';

const xidsInSegment = 32 * 32_768;

describeWithInstalledPostgres('a source whose xid counter has come far', () => {
  let server: PostgresServer;
  let bench: CaptureBench;

  beforeEach(async () => {
    server = await startInstalled({ settings: { autovacuum: 'off' } });
    bench = await makeCaptureBench(await server.createDatabase('shop'));
    await bench.source.query(`insert into item select n from generate_series(1, 50) n`);
  });
  afterEach(async () => {
    await bench.end();
    await server.stop();
  });

  /** As if so many transactions had gone by, and vacuum had frozen all that was written before. */
  async function moveXids(to: { epoch: number; xid: number }): Promise<void> {
    for (const database of ['shop', 'postgres', 'template1']) {
      const client = new pg.Client({ connectionString: server.url(database) });
      await client.connect();
      await client.query('vacuum freeze');
      await client.end();
    }
    await bench.end();
    await server.kill('SIGINT');
    const oldest = Math.max(3, to.xid - 100);
    const options = ['-e', String(to.epoch), '-x', String(to.xid), '-u', String(oldest)];
    await server.run('pg_resetwal', [...options, '-D', server.dataDir]);
    const segment = Math.floor(to.xid / xidsInSegment)
      .toString(16)
      .toUpperCase()
      .padStart(4, '0');
    const file = join(server.dataDir, 'pg_xact', segment);
    await writeFile(file, Buffer.alloc(xidsInSegment / 4), { flag: 'a' });
    const { uid, gid } = serverUser();
    if (uid !== undefined && gid !== undefined) await chown(file, uid, gid);
    await server.restart();
    bench = await attachCaptureBench(server.url('shop'), bench.store);
  }

  const nextXid = async (): Promise<bigint> => {
    const { rows } = await bench.source.query('select pg_snapshot_xmax(pg_current_snapshot())::text as xid');
    return BigInt(rows[0]?.xid);
  };

  it('does not get rows again at every plan that were frozen before the counter wrapped', async () => {
    const written = await bench.source.query('select max(xmin::text::int) as xid from item');
    const xid = Number(written.rows[0]?.xid);
    await bench.run();
    // A whole turn of the counter later, some xids before the one that wrote the rows.
    await moveXids({ epoch: 1, xid: xid - 60 });
    await bench.run();
    const extracted = countRows(bench.store, 'item');
    for (let n = 0; n < 10; n++) {
      await bench.source.query(`insert into item values ($1)`, [1000 + n]);
      await bench.run();
    }
    expect(await nextXid()).toBeLessThan(2n ** 32n + BigInt(xid));
    expect(countRows(bench.store, 'item')).toBe(extracted + 10);
    await bench.expectExact('item');
  });

  it.each([
    ['beyond the limit', 1_500_000_000],
    ['where age() has overflowed', 3_000_000_000],
  ])('is extracted in full by a message that was redriven late: %s', async (_, xid) => {
    await bench.plan({ restart: 'trusted' });
    await bench.extractAll({ restart: 'trusted' });
    await bench.source.query(`update item set note = 'new' where item_id <= 20`);
    await bench.plan({ restart: 'trusted' });
    const [message] = bench.queue;
    if (message?.newRows === undefined) throw new Error('no message for new rows');
    await moveXids({ epoch: 0, xid });
    expect(await bench.extract(message, { restart: 'trusted' })).toEqual({ outcome: 'ingested', rows: 50 });
    await bench.expectExact('item');
  });

  it('is planned in full when the last plan lies beyond the limit', async () => {
    await bench.plan({ restart: 'trusted' });
    await bench.extractAll({ restart: 'trusted' });
    await bench.source.query(`update item set note = 'new' where item_id <= 20`);
    await moveXids({ epoch: 0, xid: 3_000_000_000 });
    const planned = await bench.plan({ restart: 'trusted' });
    expect(planned.slices.map(({ table, full }) => ({ table, full }))).toContainEqual({
      table: 'item',
      full: true,
    });
    await bench.extractAll({ restart: 'trusted' });
    await bench.expectExact('item');
  });

  it('goes on from one epoch to the next', async () => {
    await moveXids({ epoch: 0, xid: 2 ** 32 - 15 });
    await bench.run();
    for (let n = 0; n < 30; n++) {
      await bench.source.query(`insert into item values ($1)`, [1000 + n]);
      if (n % 5 === 0) await bench.run();
    }
    await bench.run();
    expect(await nextXid()).toBeGreaterThan(2n ** 32n);
    expect(countRows(bench.store, 'item')).toBe(80);
    await bench.expectExact('item');
  });
});
