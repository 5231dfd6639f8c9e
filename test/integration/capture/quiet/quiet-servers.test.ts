import { afterEach, expect, it } from '@jest/globals';
import pg from 'pg';
import {
  describeWithInstalledPostgres,
  startInstalled,
} from '../../../helpers/postgres/installed-postgres.ts';
import { startTemporaryPostgres } from '../../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../../helpers/seen.ts';
import type { CaptureBench } from '../capture-bench.ts';
import { attach, copyOf, endAll, startShop } from '../server/shop-servers.ts';
import { quietOptions, reasons, reported, runQuiet } from './quiet-plans.ts';

afterEach(endAll);

const settings = { autovacuum: 'off' };
const trusted = { restart: 'trusted' as const };

/** Until the server takes connections again. */
async function untilBack(connect: () => Promise<CaptureBench>): Promise<CaptureBench> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await connect();
    } catch (error) {
      if (attempt > 500) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

it('quiet tables are looked at after a crash of one session, which begins the counters anew', async () => {
  const [server, bench] = await startShop(startTemporaryPostgres({ settings }));
  await reported(bench.source, 'select 1');
  await runQuiet(bench);
  expect(reasons(await runQuiet(bench)).item).toBe('quiet');
  const victim = await bench.connect();
  const { rows } = await victim.query('select pg_backend_pid() as pid');
  process.kill(rows[0].pid, 'SIGKILL');
  // The server ends all other sessions before it begins anew.
  while (
    await bench.source.query('select 1').then(
      () => true,
      () => false,
    )
  );
  const after = await untilBack(() => attach(server, bench));
  // As many rows as there were before.
  await reported(after.source, 'insert into item values (3), (4)');
  expect(reasons(await runQuiet(after)).item).toBe('written to');
  await after.expectExact('item');
});

it('quiet tables are looked at after a crash of a server whose restarts are trusted', async () => {
  const [server, bench] = await startShop(startTemporaryPostgres({ settings }));
  await reported(bench.source, 'select 1');
  await runQuiet(bench, trusted);
  expect(reasons(await runQuiet(bench, trusted)).item).toBe('quiet');
  await server.kill('SIGKILL');
  await server.restart();
  const after = await attach(server, bench);
  await reported(after.source, 'insert into item values (3), (4)');
  expect(reasons(await runQuiet(after, trusted)).item).toBe('written to');
  await after.expectExact('item');
});

it('quiet tables of a subscriber are exact when they are asked for, and looked at once its worker has reported', async () => {
  const [server, bench] = await startShop(
    startTemporaryPostgres({ settings: { ...settings, wal_level: 'logical' } }),
  );
  const publisher = new pg.Client(await server.createDatabase('publisher'));
  await publisher.connect();
  await publisher.query(`
    create table item (item_id int primary key, note text, price numeric(10,2),
      last_updated timestamp not null default '2024-01-01');
    create publication shop for table item`);
  await publisher.query(`select pg_create_logical_replication_slot('shop', 'pgoutput')`);
  await bench.source.query(`
    create subscription shop connection '${server.url('publisher')}' publication shop
      with (create_slot = false, slot_name = 'shop', copy_data = false)`);
  const applied = (id: number) =>
    seen(async () => (await bench.source.query(`select from item where item_id = ${id}`)).rowCount === 1);
  try {
    await reported(bench.source, 'select 1');
    await runQuiet(bench);
    // The rows have xids of the subscriber, whatever the publisher's were.
    for (let id = 10; id < 15; id++) {
      await publisher.query(`insert into item values (${id}, 'published')`);
      await applied(id);
    }
    const exact = await runQuiet(bench, { isExact: true });
    expect(exact.slices.map(({ table }) => table)).toEqual(['item']);
    await bench.expectExact('item');
    await publisher.query(`begin; insert into item values (20, 'published'); savepoint a;
      update item set note = 'changed' where item_id = 10; commit`);
    await applied(20);
    // It reports between its transactions, and not always at once; until then the table is as old as its last look.
    await seen(async () => {
      const why = reasons(await runQuiet(bench)).item;
      if (why === 'quiet') await publisher.query(`insert into item values (${Date.now() % 1e9}, 'goes on')`);
      return why === 'written to';
    });
    await runQuiet(bench, { isExact: true });
    await bench.expectExact('item');
  } finally {
    await bench.source.query('alter subscription shop disable');
    await bench.source.query('alter subscription shop set (slot_name = none)');
    await bench.source.query('drop subscription shop');
    await publisher.end();
  }
});

describeWithInstalledPostgres('quiet tables of a standby', () => {
  it('are looked at, because it does not count what its primary writes, and are read in full once it is promoted', async () => {
    const [primary, owner] = await startShop(startInstalled({ settings }));
    const replicaServer = await copyOf(primary, 'standby', settings);
    const replica = await attach(replicaServer, owner);
    const catchUp = async () => {
      const { rows } = await owner.source.query('select pg_current_wal_insert_lsn()::text as lsn');
      await owner.source.query('select pg_current_xact_id()');
      const isThere = async () => {
        const answer = await replica.source.query('select pg_last_wal_replay_lsn() >= $1::pg_lsn as done', [
          rows[0]?.lsn,
        ]);
        return answer.rows[0]?.done === true;
      };
      while (!(await isThere()));
    };
    await catchUp();
    await runQuiet(replica);
    await reported(owner.source, 'insert into item values (3)');
    await catchUp();
    expect(reasons(await runQuiet(replica)).item).toBe('no counters');
    await replica.expectExact('item');
    await replica.source.query('select pg_promote()');
    const promoted = await replica.plan(quietOptions);
    expect(reasons(promoted).item).toBe('first look');
    await replica.extractAll();
    await replica.source.query('insert into item values (4)');
    await runQuiet(replica, { isExact: true });
    await replica.expectExact('item');
  });
});
