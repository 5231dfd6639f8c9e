import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { runCommand } from '../../helpers/processes/inline-command.ts';
import { seenRow } from '../../helpers/seen.ts';
import { ask, assertExact, makeDataFolder, makeShop, optionsOf, type Road, removeFolder } from '../road.ts';
import { startRun, startWatch, type Watch } from '../watch.ts';

let sourceServer: PostgresServer;
let warehouseServer: PostgresServer;
let road: Road;
let current: Watch | undefined;

beforeAll(async () => {
  sourceServer = await startTemporaryPostgres();
  warehouseServer = await startTemporaryPostgres();
  const source = await makeShop(sourceServer, 'shop', 50);
  road = {
    source,
    warehouse: await warehouseServer.createDatabase('warehouse'),
    data: await makeDataFolder(),
  };
});
afterAll(async () => {
  await current?.end();
  await Promise.all([sourceServer.stop(), warehouseServer.stop()]);
  await removeFolder(road.data);
});

const options = () => optionsOf(road);

/** The locked table's extract is on its way when the server ends. */
async function restartInTheMiddle(): Promise<void> {
  const extracting = `select from pg_stat_activity
                       where application_name = 'starlift-extract' and wait_event_type = 'Lock'`;
  await seenRow(road.source, extracting);
  await sourceServer.kill('SIGQUIT');
  await sourceServer.restart();
}

async function lockStaff(): Promise<void> {
  const locker = new pg.Client(road.source);
  locker.on('error', () => {});
  await locker.connect();
  await locker.query('begin; lock table staff in access exclusive mode');
}

const nothingFailed = async () => {
  const { code, stdout } = await runCommand(['failures', ...options()]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.any(String) });
};

it('a source that restarts in the middle of a run is planned anew, and nothing is dead-lettered', async () => {
  await lockStaff();
  current = startRun(options());
  await restartInTheMiddle();
  expect((await current.ended).code).toBe(0);
  await nothingFailed();
  await assertExact(road);
});

it('a watch goes on after it within the minute', async () => {
  await lockStaff();
  current = startWatch(['--every', '1', ...options()]);
  await restartInTheMiddle();
  await ask(road.source, `update staff set first_name = 'restarted' where staff_id = 4`);
  const arrived = `select from dim_staff where first_name = 'restarted'`;
  await seenRow(road.warehouse, arrived);
  await current.end('SIGINT');
  await nothingFailed();
  await assertExact(road);
});
