import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TransientError } from '../../../../shared/errors.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../../helpers/postgres/temporary-postgres.ts';
import type { CaptureBench } from '../capture-bench.ts';
import { countRows } from '../ingested-rows.ts';
import { attach, endAll, startShop } from './shop-servers.ts';

afterEach(endAll);

describe('a source that was killed', () => {
  let server: PostgresServer;
  let bench: CaptureBench;

  beforeEach(async () => {
    // What is committed is not durable before the WAL writer wakes up.
    const settings = { synchronous_commit: 'off', wal_writer_delay: '400ms', autovacuum: 'off' };
    [server, bench] = await startShop(startTemporaryPostgres({ settings }));
  });

  const crash = async () => {
    await server.kill('SIGKILL');
    await server.restart();
    return attach(server, bench);
  };

  it('has all that was ingested from it', async () => {
    await bench.plan();
    await bench.source.query(`insert into item values (3, 'soon taken back?')`);
    await bench.extractAll();
    const after = await crash();
    expect(countRows(bench.store, 'item')).toBe(3);
    await after.expectExact('item');
  });

  it('is planned in full, in a new generation: xids may be used again', async () => {
    const before = await bench.run();
    const after = await crash();
    await after.source.query(`insert into item values (4, 'after')`);
    const planned = await after.run();
    expect(planned.slices.every(({ full }) => full)).toBe(true);
    expect(BigInt(planned.generation)).toBeGreaterThan(BigInt(before.generation));
    await after.expectExact('item');
  });

  it('goes on where it was when its restarts are trusted: what the plan called finished has remained so', async () => {
    await bench.plan({ restart: 'trusted' });
    await bench.extractAll({ restart: 'trusted' });
    await bench.source.query(`insert into item values (3, 'c')`);
    const { rows } = await bench.source.query('select xmin::text from item where item_id = 3');
    await bench.plan({ restart: 'trusted' });
    const after = await crash();
    const status = await after.source.query('select pg_xact_status($1::text::xid8) as status', [
      rows[0]?.xmin,
    ]);
    expect(status.rows).toEqual([{ status: 'committed' }]);
    await after.source.query(`insert into item values (4, 'after')`);
    const planned = await after.plan({ restart: 'trusted' });
    expect(planned.slices).toEqual([{ slice: '0000', table: 'item', full: false }]);
    after.queue.push(...bench.queue);
    await after.extractAll({ restart: 'trusted' });
    await after.expectExact('item');
  });

  it('takes no message that was planned before, and drops it once it was planned anew', async () => {
    await bench.plan();
    const [message] = bench.queue;
    if (message === undefined) throw new Error('no message');
    const after = await crash();
    await expect(after.extract(message)).rejects.toThrow(TransientError);
    await after.plan();
    expect((await after.extract(message)).outcome).toBe('superseded');
  });
});

describe('a transaction that is open on an idle server', () => {
  const keepsNoRunWaiting = async (sql: string) => {
    const [, bench] = await startShop(startTemporaryPostgres());
    await bench.source.query(sql);
    await bench.run();
    const open = await bench.connect();
    await open.query(`begin; insert into item values (3, 'not committed')`);
    await bench.source.query(`update item set note = 'c' where item_id = 1`);
    await open.query(`insert into item values (4, 'logged after the last commit')`);
    const startedAt = performance.now();
    await bench.run();
    // Nothing else would have it flushed but the background writer's snapshot, every 15 s.
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  };

  it('does not keep a run waiting for the log to be flushed', async () => {
    await keepsNoRunWaiting(`alter role reader set default_transaction_read_only = on;
      alter role reader set synchronous_commit = off`);
  });

  it('does not where the role may not write a message to the log', async () => {
    await keepsNoRunWaiting(`
      do $$ begin
        execute (select string_agg(format('revoke execute on function %s from public', oid::regprocedure), '; ')
          from pg_proc where proname = 'pg_logical_emit_message');
      end $$`);
  });
});

describe('a source that does not grant the functions of its control file', () => {
  it('is told apart by its address and its start', async () => {
    const [server, bench] = await startShop(startTemporaryPostgres());
    await bench.source.query(`revoke execute on function pg_control_system(), pg_control_checkpoint(),
      pg_control_recovery() from public`);
    await bench.run();
    const { identity } = JSON.parse(
      Buffer.from(bench.store.objects.get('state/capture.json')?.body ?? []).toString(),
    );
    expect(JSON.parse(identity)[0]).toBe(`127.0.0.1 127.0.0.1:${server.port}`);
    await bench.source.query(`insert into item values (3, 'c')`);
    expect((await bench.run()).slices).toEqual([{ slice: '0000', table: 'item', full: false }]);
    await server.restart();
    const after = await attach(server, bench);
    expect((await after.run()).slices.every(({ full }) => full)).toBe(true);
    await after.expectExact('item');
  });
});
