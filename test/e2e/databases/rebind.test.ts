import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { runCommand } from '../../helpers/processes/inline-command.ts';
import { starlift } from '../../helpers/processes/starlift.ts';
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
let roads = 0;
let road: Road;
beforeAll(async () => {
  server = await startTemporaryPostgres();
  await makeShop(server, 'shop', 50);
});
afterAll(() => server.stop());
beforeEach(async () => {
  roads++;
  road = {
    source: await server.createDatabase(`source${roads}`, 'shop'),
    warehouse: await server.createDatabase(`warehouse${roads}`),
    data: await makeDataFolder(),
  };
  await runClean(road);
});
afterEach(() => removeFolder(road.data));

/** @returns the command that a refused run names, to be run as it is but for its password */
async function refusedRun(changed: Road, reason: RegExp): Promise<string[]> {
  const { code, stderr } = await runRoad(changed);
  expect([code, stderr]).toEqual([2, expect.stringMatching(reason)]);
  const [, command = ''] = /npx starlift (rebind .*)$/m.exec(stderr) ?? [];
  expect(command).not.toBe('');
  return command.split(' ');
}

async function assertWell(now: Road): Promise<void> {
  await assertExact(now);
  const status = await runCommand(['status', ...optionsOf(now)]);
  expect([status.code, status.stdout]).toEqual([0, expect.stringContaining('Nothing needs')]);
}

const change = (url: string) =>
  ask(
    url,
    `update staff set first_name = 'moved' where staff_id = 1; update design set design_name = 'moved'`,
  );

describe('rebind', () => {
  it('follows a source that was dumped and restored elsewhere', async () => {
    const moved = { ...road, source: await server.createDatabase(`moved${roads}`, `source${roads}`) };
    await change(moved.source);
    const command = await refusedRun(
      moved,
      /captures another source .*If it is the same data in a new place/s,
    );
    // Nobody can answer here.
    const asked = await starlift(command);
    expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining('pass --yes')]);
    expect((await runRoad(moved)).code).toBe(2);
    const bound = await runCommand([...command, '--yes']);
    expect([bound.code, bound.stdout]).toEqual([
      0,
      expect.stringMatching(/until now .*\/source.*from now .*\/moved/s),
    ]);
    await runClean(moved);
    await assertWell(moved);
    const again = await runCommand(['rebind', ...optionsOf(moved), '--yes']);
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('nothing was changed')]);
  });

  it('follows a folder that has lost its binding', async () => {
    await rm(join(road.data, 'binding.json'));
    const command = await refusedRun(road, /the warehouse is loaded from another data folder/);
    expect((await runCommand([...command, '--yes'])).code).toBe(0);
    await change(road.source);
    await runClean(road);
    await assertWell(road);
  });

  it('hands a warehouse over to another folder, and the first one is refused from then on', async () => {
    const other = { ...road, data: await makeDataFolder() };
    try {
      const command = await refusedRun(other, /the warehouse is loaded from another data folder/);
      expect((await runCommand([...command, '--yes'])).code).toBe(0);
      await change(road.source);
      await runClean(other);
      await assertWell(other);
      await refusedRun(road, /loads another warehouse/);
    } finally {
      await removeFolder(other.data);
    }
  });

  it('follows a warehouse that was restored without its ledger', async () => {
    await ask(road.warehouse, 'drop schema starlift cascade');
    const command = await refusedRun(road, /loads another warehouse/);
    expect((await runCommand([...command, '--yes'])).code).toBe(0);
    await change(road.source);
    await runClean(road);
    await assertWell(road);
  });

  it('refuses a folder that does not exist, and makes none', async () => {
    const data = join(road.data, 'typo');
    const { code, stderr } = await runCommand(['rebind', ...optionsOf({ ...road, data }), '--yes']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('does not exist')]);
    expect(existsSync(data)).toBe(false);
  });
});

it('a folder is bound to the schema of its warehouse, even where nothing else remembers it', async () => {
  await rm(join(road.data, 'connections.json'));
  const { code, stderr } = await runCommand(['run', ...optionsOf(road)], { WAREHOUSE_SCHEMA: 'elsewhere' });
  expect([code, stderr]).toEqual([
    2,
    expect.stringContaining('Set WAREHOUSE_SCHEMA=public, or choose another folder.'),
  ]);
  expect(await ask(road.warehouse, `select from pg_namespace where nspname = 'elsewhere'`)).toEqual([]);
});
