import type { ChildProcess } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { assertWithin } from '../helpers/busy-machine.ts';
import { isLong } from '../helpers/jest/long-form.ts';
import { type PostgresServer, startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';
import { finished, spawnStarlift } from '../helpers/processes/starlift.ts';
import { seen, seenRow } from '../helpers/seen.ts';
import {
  ask,
  assertExact,
  makeDataFolder,
  makeShop,
  optionsOf,
  type Road,
  removeFolder,
  runClean,
} from './road.ts';

describe('run --watch', () => {
  let server: PostgresServer;
  let road: Road;
  let child: ChildProcess | undefined;
  beforeAll(async () => {
    server = await startTemporaryPostgres({});
    const source = await makeShop(server, 'shop', 50);
    road = { source, warehouse: await server.createDatabase('warehouse'), data: await makeDataFolder() };
  });
  afterEach(() => {
    child?.kill('SIGKILL');
  });
  afterAll(async () => {
    await server.stop();
    await removeFolder(road.data);
  });

  it.each(isLong ? (['SIGINT', 'SIGTERM'] as const) : (['SIGINT'] as const))(
    'brings changes, and %s ends it cleanly within 5 s',
    async (signal) => {
      child = spawnStarlift(['run', '--watch', '--every', '1', ...optionsOf(road)]);
      const ended = finished(child);
      const name = `name of ${signal}`;
      await seenRow(road.warehouse, 'select from dim_staff');
      await ask(road.source, `update staff set first_name = '${name}' where staff_id = 3`);
      await seenRow(road.warehouse, `select from dim_staff where first_name = '${name}'`);
      const interruptedAt = Date.now();
      child.kill(signal);
      const { code, stdout } = await ended;
      assertWithin((Date.now() - interruptedAt) / 1000, 5);
      expect(code).toBe(0);
      expect(stdout).toContain('Stopped watching.');
    },
  );

  it('ends within 5 s while a load is stuck, and the work is there for the next run', async () => {
    child = spawnStarlift(['run', '--watch', '--every', '1', ...optionsOf(road)]);
    const ended = finished(child);
    const locker = new pg.Client(road.warehouse);
    await locker.connect();
    await locker.query('begin; lock table dim_design in access exclusive mode');
    await ask(road.source, `update design set design_name = 'stuck' where design_id = 2`);
    const stuck = `select 1 from pg_stat_activity where application_name = 'starlift-load' and wait_event_type = 'Lock'`;
    await seenRow(road.warehouse, stuck);
    const interruptedAt = Date.now();
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
    assertWithin((Date.now() - interruptedAt) / 1000, 5);
    await locker.query('rollback');
    await locker.end();
    await runClean(road);
    expect(await ask(road.warehouse, 'select design_name from dim_design where design_id = 2')).toEqual([
      ['stuck'],
    ]);
  });

  it('waits for databases that restart, and goes on', async () => {
    child = spawnStarlift(['run', '--watch', '--every', '0.3', ...optionsOf(road)]);
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const ended = finished(child);
    await seen(() => output.includes('Watching'));
    await server.kill('SIGINT');
    await seen(() => output.includes('the source refuses: '));
    await server.restart();
    await ask(road.source, `update staff set first_name = 'restarted' where staff_id = 4`);
    const arrived = `select 1 from dim_staff where first_name = 'restarted'`;
    await seenRow(road.warehouse, arrived);
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 0, stderr: '' });
  });

  it('leaves nothing behind that the next run would stumble over', async () => {
    await runClean(road);
    await assertExact(road);
  });
});
