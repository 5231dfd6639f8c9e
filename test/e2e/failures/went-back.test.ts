import { randomUUID } from 'node:crypto';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { runCommand } from '../../helpers/processes/inline-command.ts';
import {
  ask,
  assertExact,
  makeDataFolder,
  makeShop,
  optionsOf,
  type Road,
  removeFolder,
  runClean,
  runRoad,
} from '../road.ts';

let server: PostgresServer;
let source: string;
let loadedData: string;
let roads = 0;
let road: Road;

beforeAll(async () => {
  server = await startTemporaryPostgres();
  await makeShop(server, 'shop', 50);
  source = await server.createDatabase('source', 'shop');
  loadedData = await makeDataFolder();
  await runClean({ source, warehouse: await server.createDatabase('loaded'), data: loadedData });
});
afterAll(async () => {
  await server.stop();
  await removeFolder(loadedData);
});
// Each test has its own copy of a loaded warehouse and of its folder. The source is one: a copy of it would be another
// server to the capture state, and be read in full.
beforeEach(async () => {
  const data = await makeDataFolder();
  await cp(loadedData, data, { recursive: true });
  road = { source, warehouse: await server.createDatabase(`warehouse${++roads}`, 'loaded'), data };
});
afterEach(() => removeFolder(road.data));

const nameOf = (url: string) => new URL(url).pathname.slice(1);

/** @returns the restore: the database is as it was, without what was loaded since */
async function backUp(): Promise<() => Promise<void>> {
  const name = nameOf(road.warehouse);
  const backup = `b${randomUUID()}`;
  await server.createDatabase(backup, name);
  return async () => {
    await ask(server.url(), `drop database "${name}" with (force)`);
    await server.createDatabase(name, backup);
  };
}

const changeEverything = (text: string) =>
  ask(
    road.source,
    `update staff set first_name = '${text}', last_updated = now();
     update payment set payment_amount = payment_amount + 1, last_updated = now() where payment_id <= 20;
     update design set design_name = '${text}'`,
  );

/** What a run leaves where all is well: no difference, and a status that has nothing to tell. */
async function assertWell(): Promise<void> {
  await assertExact(road);
  const status = await runCommand(['status', ...optionsOf(road)]);
  expect([status.code, status.stdout]).toEqual([0, expect.stringContaining('Nothing needs')]);
}

const payments = () =>
  ask(
    road.warehouse,
    `select payment_id, last_updated_date, last_updated_time, payment_amount from fact_payment order by 1, 2, 3`,
  );

describe('a warehouse that was restored from a backup', () => {
  it('gets back what was loaded since, every version of it, and says so', async () => {
    const restore = await backUp();
    await changeEverything('before');
    await runClean(road);
    await changeEverything('after');
    await runClean(road);
    const all = await payments();
    await restore();
    const result = await runRoad(road);
    expect([result.code, result.stderr]).toEqual([
      0,
      expect.stringMatching(/The warehouse has gone back to .* (\d+) objects are sent again/),
    ]);
    expect(await payments()).toEqual(all);
    await assertWell();
    const again = await runRoad(road);
    expect([again.code, again.stderr]).toEqual([0, expect.not.stringContaining('gone back')]);
  });

  it('is noticed even where its ledger has grown beyond what it was', async () => {
    const restore = await backUp();
    await changeEverything('lost');
    await runClean(road);
    await restore();
    // Of another folder's runs, say: newer entries, more than there were.
    await ask(
      road.warehouse,
      `insert into starlift.object (key, warehouse_table, run, slice, rows, quarantined, generation, snapshot_xmax,
                                    snapshot_xmin, tie, revision)
       select 'other' || n, 'dim_other', 'r', '0000', 0, 0, 1, 1, 1, 0, 0 from generate_series(1, 100) n`,
    );
    await runRoad(road);
    await assertExact(road);
  });
});

describe('a warehouse that has lost its ledger', () => {
  it('takes a change of a row that it has', async () => {
    await ask(road.warehouse, 'drop schema starlift cascade');
    await rm(join(road.data, 'binding.json'));
    await ask(road.source, `update staff set first_name = 'changed' where staff_id = 1`);
    await runClean(road);
    expect(await ask(road.warehouse, 'select first_name from dim_staff where staff_id = 1')).toEqual([
      ['changed'],
    ]);
    await assertWell();
  });

  it('takes the changes of a table whose entries alone were deleted', async () => {
    await ask(road.warehouse, `delete from starlift.object where warehouse_table = 'dim_staff'`);
    await ask(road.source, `update staff set first_name = 'changed'`);
    await runClean(road);
    await assertWell();
  });

  it('is right again where the zones have lost their objects too', async () => {
    await ask(road.warehouse, 'drop schema starlift cascade');
    await ask(road.warehouse, `update dim_staff set first_name = 'wrong'`);
    await rm(join(road.data, 'binding.json'));
    await rm(join(road.data, 'zones', 'processed'), { recursive: true });
    await runClean(road);
    await assertWell();
  });
});

describe('a data folder that was restored from a backup', () => {
  it('begins a generation that the warehouse does not take for an old one', async () => {
    // The restarts would be a reason to read the other tests' source in full.
    const other = await startTemporaryPostgres();
    try {
      await makeShop(other, 'shop', 50);
      await removeFolder(road.data);
      road = {
        source: await other.createDatabase('source', 'shop'),
        warehouse: await other.createDatabase('warehouse'),
        data: await makeDataFolder(),
      };
      await runClean(road);
      const copy = `${road.data}-copy`;
      await cp(road.data, copy, { recursive: true });
      await other.restart();
      await runClean(road);
      await other.restart();
      await runClean(road);
      await removeFolder(road.data);
      road = { ...road, data: copy };
      await changeEverything('after');
      await runClean(road);
      await assertWell();
    } finally {
      await other.stop();
    }
  });
});
