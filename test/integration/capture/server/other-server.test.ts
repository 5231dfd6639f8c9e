import { afterEach, beforeEach, expect, it } from '@jest/globals';
import {
  describeWithInstalledPostgres,
  startInstalled,
} from '../../../helpers/postgres/installed-postgres.ts';
import type { PostgresServer } from '../../../helpers/postgres/temporary-postgres.ts';
import type { CaptureBench } from '../capture-bench.ts';
import { attach, copyOf, endAll, startShop } from './shop-servers.ts';

afterEach(endAll);

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
