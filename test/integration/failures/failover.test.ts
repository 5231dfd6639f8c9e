import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type pg from 'pg';
import { verifyWarehouse } from '../../../cli/verify/verify-warehouse.ts';
import { changeEverything } from '../../helpers/inline-road/change-everything.ts';
import { connect, type Databases, makeDatabases, withUser } from '../../helpers/inline-road/databases.ts';
import { type InlineRoad, startInlineRoad } from '../../helpers/inline-road/inline-road.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import {
  describeWithInstalledPostgres,
  startCopy,
  startInstalled,
} from '../../helpers/postgres/installed-postgres.ts';
import type { PostgresServer } from '../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../helpers/seen.ts';

describeWithInstalledPostgres('a failover of source and warehouse to a promoted replica', () => {
  let primary: PostgresServer;
  let replica: PostgresServer;
  let databases: Databases;
  let road: InlineRoad;
  let source: pg.Client;
  let warehouse: pg.Client;

  beforeAll(async () => {
    primary = await startInstalled({ settings: { wal_writer_delay: '1ms' } });
    databases = await makeDatabases(primary);
    replica = await startCopy(primary, 'standby');
    road = await startInlineRoad(databases);
  });
  afterAll(async () => {
    await road.end();
    await Promise.all([source?.end(), warehouse?.end()]);
    await databases.end();
    await Promise.all([primary, replica].map((server) => server.stop()));
  });

  /** Until the replica has all that the primary has committed. */
  const replicaHasAll = async (standby: pg.Client) => {
    const { rows } = await databases.source.query<{ lsn: string }>(
      'select pg_current_wal_flush_lsn() as lsn',
    );
    const { rows: behind } = await standby.query<{ done: boolean }>(
      'select pg_last_wal_replay_lsn() >= $1::pg_lsn as done',
      [rows[0]?.lsn],
    );
    return behind[0]?.done === true;
  };

  it('in the middle of a run costs no dead letter and loses nothing', async () => {
    const before = await road.run();
    await changeEverything(databases.source);
    await road.plan();
    await road.settle('extract');
    await road.stop('extract');
    await changeEverything(databases.source);
    // Planned on the primary, and extracted, transformed and loaded after it has gone.
    await road.plan();
    const standby = await connect(replica.url());
    await seen(() => replicaHasAll(standby));
    await standby.end();
    await primary.kill('SIGKILL');
    for (const kind of ['extract', 'transform', 'load'] as const) road.start(kind);
    await replica.run('pg_ctl', ['promote', '-w', '-D', replica.dataDir]);
    road.putSecret('source', withUser(replica.url('shop'), 'reader'));
    road.putSecret('warehouse', withUser(replica.url('warehouse'), 'loader'));
    // What runs on the promoted server is another life: the next plan begins a new generation, in full.
    const { slices, generation } = await road.plan();
    expect(slices.every(({ full }) => full)).toBe(true);
    expect(BigInt(generation)).toBeGreaterThan(BigInt(before.generation));
    await road.settle('load', 100);
    expect(await road.deadLetters()).toEqual([]);
    source = await connect(replica.url('shop'));
    warehouse = await connect(replica.url('warehouse'));
    expect((await verifyWarehouse({ source, warehouse, warehouseSchema: 'public', model: totesys })).ok).toBe(
      true,
    );
    await changeEverything(source);
    const after = await road.run();
    expect(after.slices.every(({ full }) => full)).toBe(false);
    expect((await verifyWarehouse({ source, warehouse, warehouseSchema: 'public', model: totesys })).ok).toBe(
      true,
    );
    expect(await road.deadLetters()).toEqual([]);
  });
});
