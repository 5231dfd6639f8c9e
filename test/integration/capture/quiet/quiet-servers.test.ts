import { afterEach, expect, it } from '@jest/globals';
import {
  describeWithInstalledPostgres,
  startInstalled,
} from '../../../helpers/postgres/installed-postgres.ts';
import { startTemporaryPostgres } from '../../../helpers/postgres/temporary-postgres.ts';
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
