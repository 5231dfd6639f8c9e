import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { identifyDatabase } from '../../../cli/database/identify.ts';
import { verifyWarehouse } from '../../../cli/verify/verify-warehouse.ts';
import { changeEverything } from '../../helpers/inline-road/change-everything.ts';
import { connect, type Databases, makeDatabases } from '../../helpers/inline-road/databases.ts';
import { type InlineRoad, startInlineRoad } from '../../helpers/inline-road/inline-road.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import { type AuroraOptions, emulateAurora, failOver } from '../../helpers/postgres/aurora.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';

jest.setTimeout(300_000);

describe('databases that refuse what Aurora refuses', () => {
  let server: PostgresServer;
  let databases: Databases;
  let road: InlineRoad;

  const start = async (options: Omit<AuroraOptions, 'instance'>) => {
    server = await startTemporaryPostgres();
    databases = await makeDatabases(server);
    for (const name of ['shop', 'warehouse'])
      await emulateAurora(server.url(name), { ...options, instance: 'shop-1' });
    road = await startInlineRoad(databases);
  };
  afterEach(async () => {
    await road?.end();
    await databases?.end();
    await server?.stop();
  });

  /** The machine may be busy. */
  const run = async () => {
    const planned = await road.plan();
    await road.settle('load', 120);
    return planned;
  };
  const expectExact = async () => {
    expect(await road.deadLetters()).toEqual([]);
    const { source, warehouse } = databases;
    const report = await verifyWarehouse({ source, warehouse, warehouseSchema: 'public', model: totesys });
    expect(report.ok).toBe(true);
  };

  it.each(['not supported', 'wal_level'] as const)(
    'are captured, changes alone, where the functions of the log are refused: %s',
    async (refusal) => {
      await start({ refusal });
      const first = await run();
      await expectExact();
      await changeEverything(databases.source);
      const { generation, slices } = await run();
      await expectExact();
      expect(generation).toBe(first.generation);
      expect(slices.every(({ full }) => full)).toBe(false);
      expect((await run()).slices).toEqual([]);
    },
  );

  it('are captured in full where a failover has made another instance the writer', async () => {
    await start({ refusal: 'not supported' });
    const { generation } = await run();
    await failOver(server.url('shop'), 'shop-2');
    const after = await run();
    expect(BigInt(after.generation)).toBeGreaterThan(BigInt(generation));
    await expectExact();
  });

  it('make the log durable by a commit of their own before anything counts as captured', async () => {
    await start({ refusal: 'not supported' });
    await databases.source.query(`alter system set wal_writer_delay = '10s'`);
    await databases.source.query('select pg_reload_conf()');
    await run();
    const observer = await connect(server.url('postgres'));
    const ask = async (sql: string) => (await observer.query<{ told: unknown }>(sql)).rows[0]?.told;
    // Visible before it is durable.
    await databases.source.query(
      `set synchronous_commit = off; update staff set first_name = 'Kept' where staff_id = 1`,
    );
    const lsn = await ask('select pg_current_wal_insert_lsn() as told');
    await road.plan();
    expect(await ask(`select pg_current_wal_flush_lsn() >= '${lsn}'::pg_lsn as told`)).toBe(true);
    await observer.end();
  });

  it('are refused in one line by the endpoint of a reader, without a dead letter', async () => {
    await start({ refusal: 'not supported', isReader: true });
    await expect(road.plan()).rejects.toThrow(
      'the source is a reader of an Aurora cluster, of which nothing says up to where it has read: name the cluster endpoint, which leads to the writer',
    );
    expect(await road.deadLetters()).toEqual([]);
  });

  it('are told apart by their addresses where a folder is bound to them', async () => {
    await start({ refusal: 'not supported' });
    const client = await connect(server.url('warehouse'));
    expect(await identifyDatabase(client)).toBe(`127.0.0.1:${server.port}/warehouse`);
    await client.end();
  });
});
