import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openStack } from '../../../cli/embedded/stack.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { runCommand } from '../../helpers/processes/inline-command.ts';
import { lastJson } from '../../helpers/processes/starlift.ts';
import {
  ask,
  assertExact,
  makeDataFolder,
  makeShop,
  type Road,
  type RunResult,
  removeFolder,
  runClean,
  runRoad,
} from '../road.ts';

describe('bad input', () => {
  let server: PostgresServer;
  const folders: string[] = [];
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    await makeShop(server, 'shop', 20);
  });
  afterAll(async () => {
    await server.stop();
    await Promise.all(folders.map(removeFolder));
  });

  async function makeRoad(name: string): Promise<Road> {
    const data = await makeDataFolder();
    folders.push(data);
    return {
      source: await server.createDatabase(`${name}_shop`, 'shop'),
      warehouse: await server.createDatabase(`${name}_warehouse`),
      data,
    };
  }

  it('a table that is missing and one that may not be read fail alone; mended and sent again, all is well', async () => {
    const road = await makeRoad('partial');
    await ask(
      road.source,
      `create role reader login; grant select on all tables in schema public to reader;
       revoke select on purchase_order from reader; alter table payment rename to paymant`,
    );
    const owner = road.source;
    const asReader = { ...road, source: owner.replace('postgres@', 'reader@') };
    const result = await runRoad(asReader);
    expect(result.code).toBe(1);
    const { ok, tables } = lastJson<RunResult>(result);
    expect(ok).toBe(false);
    const loaded = Object.fromEntries(tables.map((tally) => [tally.table, tally.loaded]));
    expect(loaded).toMatchObject({
      fact_sales_order: 20,
      fact_payment: 0,
      fact_purchase_order: 0,
      dim_staff: 20,
    });
    expect(tables.filter(({ extracted, loaded: rows }) => extracted !== rows)).toEqual([]);
    expect(result.stderr).toMatch(/payment.*the source has no table public\.payment\n/);
    expect(result.stderr).toMatch(/purchase_order.*permission denied for table public\.purchase_order\n/);

    await ask(owner, 'grant select on purchase_order to reader; alter table paymant rename to payment');
    await runRoad(asReader);
    await assertExact({ ...asReader, source: owner });
    const target = ['--data', road.data, '--source', asReader.source, '--warehouse', road.warehouse];
    expect(await runCommand(['redrive', ...target])).toMatchObject({ code: 0 });
    await runClean(asReader);
    await assertExact({ ...asReader, source: owner });
  });

  it('a warehouse table of other columns is named, and nothing is made beside it', async () => {
    const road = await makeRoad('columns');
    await ask(road.warehouse, 'create table dim_staff (staff_id text primary key, first_name varchar)');
    const { code, stdout, stderr } = await runRoad(road);
    expect(stderr).toMatch(/^starlift: [^\n]*dim_staff[^\n]*\n$/);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const made = `select relname from pg_class where relkind = 'r' and relnamespace <> all (
                    '{pg_catalog,information_schema}'::regnamespace[]) and relname !~ '^pg_' order by 1`;
    expect(await ask(road.warehouse, made)).toEqual([['dim_staff']]);
  });

  it('a corrupt capture state is named and stops the run; without it everything is extracted anew', async () => {
    const road = await makeRoad('state');
    await runClean(road);
    const state = { Bucket: 'starlift-embedded-ingested', Key: 'state/capture.json' };
    await onStack(
      road,
      async ({ s3 }) => void (await s3.send(new PutObjectCommand({ ...state, Body: '{"version":' }))),
    );
    await ask(road.source, `update staff set first_name = 'Ada' where staff_id = 1`);
    const { code, stdout, stderr } = await runRoad(road);
    expect(stderr).toMatch(
      /^starlift: [^\n]*state\/capture\.json is corrupt[^\n]*delete it to extract everything again\n$/,
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(
      await ask(road.warehouse, `select from dim_staff where first_name = 'Ada' and staff_id = 1`),
    ).toEqual([]);

    await onStack(road, async ({ s3 }) => void (await s3.send(new DeleteObjectCommand(state))));
    const { tables } = await runClean(road);
    expect(tables.find(({ table }) => table === 'fact_sales_order')).toMatchObject({ extracted: 20 });
    await assertExact(road);
  });

  type Clients = Awaited<ReturnType<typeof openStack>>['clients'];

  async function onStack(road: Road, work: (clients: Clients) => Promise<void>): Promise<void> {
    const stack = await openStack(road);
    try {
      await work(stack.clients);
    } finally {
      await stack.release();
    }
  }
});
