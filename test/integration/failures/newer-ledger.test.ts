import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { verifyWarehouse } from '../../../cli/verify/verify-warehouse.ts';
import { type Databases, makeDatabases } from '../../helpers/inline-road/databases.ts';
import { type InlineRoad, startInlineRoad } from '../../helpers/inline-road/inline-road.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../helpers/seen.ts';

describe('a loading service that was rolled back behind a newer ledger', () => {
  let server: PostgresServer;
  let databases: Databases;
  let road: InlineRoad;
  beforeEach(async () => {
    server = await startTemporaryPostgres();
    databases = await makeDatabases(server);
    road = await startInlineRoad(databases);
  });
  afterEach(async () => {
    await road.end();
    await databases.end();
    await server.stop();
  });

  it('loads nothing and loses nothing until it is upgraded again', async () => {
    const { source, warehouse } = databases;
    await warehouse.query(`
      set role loader;
      create schema starlift;
      create table starlift.migration (number int primary key, applied_at timestamptz not null default now());
      insert into starlift.migration values (1000);
      reset role`);
    await road.plan();
    for (const kind of ['extract', 'transform', 'load'] as const) road.start(kind);
    const isRetried = async () => {
      for await (const _ of road.ingested.list('state/retrying/load/')) return true;
      return false;
    };
    await seen(isRetried);
    expect(await road.deadLetters()).toEqual([]);
    // What it needs is deployed.
    await warehouse.query('delete from starlift.migration');
    await road.settle('load', 100);
    expect(await road.deadLetters()).toEqual([]);
    const report = await verifyWarehouse({ source, warehouse, warehouseSchema: 'public', model: totesys });
    expect(report.ok).toBe(true);
  });
});
