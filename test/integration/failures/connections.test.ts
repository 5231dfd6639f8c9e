import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { verifyWarehouse } from '../../../cli/verify/verify-warehouse.ts';
import { formatObjectKey, parseObjectKey } from '../../../shared/object-store/object-key.ts';
import { changeEverything } from '../../helpers/inline-road/change-everything.ts';
import {
  connect,
  type Databases,
  demandPassword,
  makeDatabases,
  withUser,
} from '../../helpers/inline-road/databases.ts';
import { type InlineRoad, startInlineRoad } from '../../helpers/inline-road/inline-road.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../helpers/seen.ts';

describe('connections', () => {
  let server: PostgresServer;
  let databases: Databases;
  let road: InlineRoad;

  beforeEach(async () => {
    // Three of the twenty are reserved for superusers.
    server = await startTemporaryPostgres({ settings: { max_connections: '20', wal_writer_delay: '1ms' } });
    databases = await makeDatabases(server);
  });
  afterEach(async () => {
    await road.end();
    await databases.end();
    await server.stop();
  });

  const expectExact = async () => {
    expect(await road.deadLetters()).toEqual([]);
    const { source, warehouse } = databases;
    expect((await verifyWarehouse({ source, warehouse, warehouseSchema: 'public', model: totesys })).ok).toBe(
      true,
    );
  };

  const isServerFull = async () => {
    try {
      await (await connect(databases.warehouseUrl)).end();
      return false;
    } catch (error) {
      return (error as { code?: unknown }).code === '53300';
    }
  };

  it('of 40 loaders to a server that accepts 20 cost no dead letter', async () => {
    road = await startInlineRoad({ ...databases, batchSize: 1, environments: { load: 40 } });
    await road.run();
    for (const kind of ['extract', 'transform', 'load'] as const) await road.stop(kind);
    const { warehouse } = databases;
    const copies = await copyObjects(road, 'dim_currency', 120);
    // Whoever has a connection waits here, until there is no connection left for the rest.
    await warehouse.query('begin; lock table dim_currency in exclusive mode');
    road.start('load');
    await seen(isServerFull);
    await warehouse.query('commit');
    await road.settle('load', 100);
    const { rows } = await warehouse.query('select key from starlift.object where key = any($1)', [copies]);
    expect(rows).toHaveLength(120);
    await expectExact();
  });

  it('that a restart of the server ends in the middle of a run cost no dead letter', async () => {
    road = await startInlineRoad({ ...databases });
    await road.run();
    await changeEverything(databases.source);
    await road.plan();
    await server.restart();
    [databases.source, databases.warehouse] = [
      await connect(server.url('shop')),
      await connect(server.url('warehouse')),
    ];
    // It may have lost what its log had not yet: another life of the server is a new generation.
    await road.plan();
    await road.settle();
    await expectExact();
  });

  it('that a rotated password refuses cost no dead letter', async () => {
    road = await startInlineRoad({ ...databases });
    const { source, warehouse } = databases;
    await warehouse.query(`alter role loader password 'first'; alter role reader password 'first'`);
    for (const role of ['loader', 'reader']) await demandPassword(server, warehouse, role);
    const urls = (password: string) => {
      road.putSecret('source', withUser(databases.sourceUrl, 'reader', password));
      road.putSecret('warehouse', withUser(databases.warehouseUrl, 'loader', password));
    };
    urls('first');
    await road.run();
    await changeEverything(source);
    await road.plan();
    await warehouse.query(`alter role loader password 'second'; alter role reader password 'second'`);
    await warehouse.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where usename in ('loader', 'reader')`,
    );
    // Secrets Manager still has the first one, and messages are being worked on that cannot connect with it.
    const reads = jest.spyOn(SecretsManagerClient.prototype, 'send');
    road.start('extract');
    await seen(() => reads.mock.calls.length >= 3);
    reads.mockRestore();
    urls('second');
    await road.settle();
    await expectExact();
  });
});

/** So many more objects like one of a table, which change nothing in the warehouse. @returns their keys */
async function copyObjects({ processed }: InlineRoad, table: string, count: number): Promise<string[]> {
  for await (const { key } of processed.list(`${table}/`)) {
    const object = await processed.get(key);
    const parsed = parseObjectKey(key);
    if (object === undefined) continue;
    const keys = Array.from({ length: count }, (_, n) =>
      formatObjectKey({ ...parsed, slice: String(5000 + n) }),
    );
    for (const copy of keys) await processed.create(copy, object.body, object.metadata);
    return keys;
  }
  throw new Error(`there is no object of ${table}`);
}
