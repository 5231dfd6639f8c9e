import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readStatus } from '../../../../cli/status/read-status.ts';
import { type Databases, makeDatabases } from '../../../helpers/inline-road/databases.ts';
import { type InlineRoad, startInlineRoad } from '../../../helpers/inline-road/inline-road.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../../helpers/postgres/temporary-postgres.ts';
import { makeSiteOf } from '../../../reliability/silence/status-evidence.ts';

describe('status during a first load', () => {
  let server: PostgresServer;
  let databases: Databases;
  let road: InlineRoad;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    databases = await makeDatabases(server);
    road = await startInlineRoad(databases);
  });
  afterAll(async () => {
    await road.end();
    await databases.end();
    await server.stop();
  });

  const asOf = async () => {
    const { tables } = await readStatus(makeSiteOf({ ...road, ...databases }));
    return new Map(tables.map(({ table, snapshotAt, rows }) => [table, { snapshotAt, rows }]));
  };

  it('says as of when no table is that lacks a part of it, and says so of those that are whole', async () => {
    const { slices } = await road.plan();
    const [staff] = slices.filter(({ table }) => table === 'staff');
    expect(staff?.full).toBe(true);
    await road.settle('transform');
    expect([...(await asOf()).values()].filter(({ snapshotAt }) => snapshotAt !== null)).toEqual([]);
    await road.settle();
    const whole = await asOf();
    expect([...whole.values()].filter(({ snapshotAt }) => snapshotAt === null)).toEqual([]);
    // Half of a table: one of its two slices is as if it had never come.
    await databases.warehouse.query(
      `insert into starlift.object (key, warehouse_table, run, slice, rows, quarantined, generation, snapshot_xmax,
         snapshot_xmin, tie, revision)
       select replace(key, slice, '9999'), warehouse_table, run, '9999', rows, quarantined, generation, snapshot_xmax,
              snapshot_xmin, tie, revision from starlift.object where warehouse_table = 'fact_payment';
       delete from starlift.object where warehouse_table = 'fact_payment' and slice <> '9999'`,
    );
    const half = await asOf();
    expect(half.get('fact_payment')?.snapshotAt).toBeNull();
    expect(half.get('dim_staff')?.snapshotAt).not.toBeNull();
    // The calendar is made of what the facts name.
    expect(half.get('dim_date')?.snapshotAt).toBeNull();
  });
});
