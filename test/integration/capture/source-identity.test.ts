import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TransientError } from '../../../shared/errors.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/temporary-postgres.ts';
import { attachCaptureBench, type CaptureBench, makeCaptureBench } from './capture-bench.ts';
import { countRows } from './ingested-rows.ts';
import { describeWithInstalledPostgres, startCopy, startInstalled } from './installed-postgres.ts';

const servers: PostgresServer[] = [];
const benches: CaptureBench[] = [];

/** A later bench over the same bucket: what stands behind the source's address now. */
async function attach(server: PostgresServer, bench: CaptureBench): Promise<CaptureBench> {
  const attached = await attachCaptureBench(server.url('shop'), bench.store);
  benches.push(attached);
  return attached;
}

async function startShop(start: Promise<PostgresServer>): Promise<[PostgresServer, CaptureBench]> {
  const server = await start;
  servers.push(server);
  const bench = await makeCaptureBench(await server.createDatabase('shop'));
  benches.push(bench);
  await bench.source.query(`insert into item values (1, 'a'), (2, 'b')`);
  return [server, bench];
}

async function copyOf(
  server: PostgresServer,
  kind: 'backup' | 'standby',
  settings: Record<string, string> = {},
): Promise<PostgresServer> {
  const copy = await startCopy(server, kind, settings);
  servers.push(copy);
  return copy;
}

async function endAll(): Promise<void> {
  await Promise.all(benches.splice(0).map((bench) => bench.end()));
  await Promise.all(servers.splice(0).map((server) => server.stop()));
}

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
    expect(BigInt(planned.generation)).toBe(BigInt(before.generation) + 1n);
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
  it('does not keep a run waiting for the log to be flushed', async () => {
    const [, bench] = await startShop(startTemporaryPostgres());
    await bench.source.query('alter role reader set default_transaction_read_only = on');
    await bench.run();
    const open = await bench.connect();
    await open.query(`begin; insert into item values (3, 'not committed')`);
    await bench.source.query(`update item set note = 'c' where item_id = 1`);
    await open.query(`insert into item values (4, 'logged after the last commit')`);
    const startedAt = performance.now();
    await bench.run();
    // Nothing else would have it flushed but the background writer's snapshot, every 15 s.
    expect(performance.now() - startedAt).toBeLessThan(5_000);
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

describeWithInstalledPostgres('another server behind the same address', () => {
  let server: PostgresServer;
  let bench: CaptureBench;

  beforeEach(async () => {
    [server, bench] = await startShop(startInstalled());
    await bench.source.query('create table ballast (id int)');
  });

  const spendXids = async (on: CaptureBench, count: number) => {
    for (let n = 0; n < count; n++) await on.source.query('insert into ballast values (1)');
  };

  it('a restored backup, whose new rows have xids that the state calls finished', async () => {
    const backup = await copyOf(server, 'backup');
    await spendXids(bench, 20);
    await bench.run();
    const restored = await attach(backup, bench);
    await restored.source.query(`update item set note = 'in the backup' where item_id = 1`);
    // By now its counter is not behind the state's, so that only its identity tells.
    await spendXids(restored, 40);
    const planned = await restored.run();
    expect(planned.slices.every(({ full }) => full)).toBe(true);
    await restored.expectExact('item');
  });

  it('a promoted standby, and then another one that shares its timeline', async () => {
    const [first, second] = [await copyOf(server, 'standby'), await copyOf(server, 'standby')];
    await bench.run();
    await server.kill('SIGKILL');
    for (const [standby, note] of [
      [first, 'first'],
      [second, 'second'],
    ] as const) {
      const promoted = await attach(standby, bench);
      await promoted.source.query('select pg_promote()');
      await promoted.source.query('update item set note = $1 where item_id = 1', [note]);
      await spendXids(promoted, standby === first ? 20 : 60);
      const planned = await promoted.run();
      expect(planned.slices.every(({ full }) => full)).toBe(true);
      await promoted.expectExact('item');
    }
  });

  it('a promotion between a plan and its extract', async () => {
    const standby = await attach(await copyOf(server, 'standby'), bench);
    await standby.plan();
    const [message] = standby.queue;
    if (message === undefined) throw new Error('no message');
    await server.kill('SIGKILL');
    await standby.source.query('select pg_promote()');
    await expect(standby.extract(message)).rejects.toThrow(/not the server that was planned on/);
  });
});

describeWithInstalledPostgres('a streaming replica as the source', () => {
  let primary: PostgresServer;
  let owner: CaptureBench;
  // A standby takes no lower limit than its primary's.
  const settings = { max_prepared_transactions: '2' };
  let replica: CaptureBench;

  beforeEach(async () => {
    [primary, owner] = await startShop(startInstalled({ settings }));
    replica = await attach(await copyOf(primary, 'standby', settings), owner);
  });

  const catchUp = async (on = replica) => {
    const { rows } = await owner.source.query('select pg_current_wal_insert_lsn()::text as lsn');
    const caughtUp = async () => {
      const answer = await on.source.query('select pg_last_wal_replay_lsn() >= $1::pg_lsn as done', [
        rows[0]?.lsn,
      ]);
      return answer.rows[0]?.done === true;
    };
    // Makes the primary send what an open transaction has logged.
    await owner.source.query('select pg_current_xact_id()');
    while (!(await caughtUp()));
  };

  const runOnReplica = async () => {
    await catchUp();
    await replica.run();
  };

  it('loses nothing of what its primary had in progress', async () => {
    await runOnReplica();
    const [open, prepared] = [await owner.connect(), await owner.connect()];
    await open.query(`begin; insert into item values (10); savepoint a; insert into item values (11)`);
    await prepared.query(`begin; insert into item values (20); prepare transaction 'two phases'`);
    await owner.source.query('insert into item values (30)');
    await runOnReplica();
    // Enough subtransactions that the replica hears of them in another way.
    await open.query(`do $$ begin for n in 100..250 loop
      begin insert into item values (n); exception when division_by_zero then null; end; end loop; end $$`);
    await owner.source.query('insert into item values (31)');
    await runOnReplica();
    await open.query('commit');
    await runOnReplica();
    await owner.source.query(`commit prepared 'two phases'`);
    await runOnReplica();
    await replica.expectExact('item');
    await owner.expectExact('item');
  });

  it('that lags behind the plan extracts nothing until it has caught up', async () => {
    const lagging = await attach(await copyOf(primary, 'standby', settings), owner);
    await catchUp(lagging);
    await lagging.source.query('select pg_wal_replay_pause()');
    await owner.source.query(`update item set note = 'not yet on the other replica' where item_id = 1`);
    await catchUp();
    // Restarts are trusted here, or the two replicas would be told apart by their start.
    await replica.plan({ restart: 'trusted' });
    const message = replica.queue.find(({ table }) => table === 'item');
    if (message === undefined) throw new Error('no message');
    await expect(lagging.extract(message, { restart: 'trusted' })).rejects.toThrow(/a replica that lags/);
    await expect(lagging.extract(message)).rejects.toThrow(/not the server that was planned on/);
    await lagging.source.query('select pg_wal_replay_resume()');
    await catchUp(lagging);
    expect((await lagging.extract(message, { restart: 'trusted' })).outcome).toBe('ingested');
    await lagging.expectExact('item');
  });
});
