import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { Status } from '../../../cli/status/status.ts';
import { assertWithin } from '../../helpers/busy-machine.ts';
import { findFreePort } from '../../helpers/network/free-port.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { runCommand } from '../../helpers/processes/inline-command.ts';
import { lastJson } from '../../helpers/processes/starlift.ts';
import { seen, seenRow } from '../../helpers/seen.ts';
import {
  ask,
  assertExact,
  makeDataFolder,
  makeShop,
  optionsOf,
  type Road,
  removeFolder,
  runClean,
} from '../road.ts';
import { startRun, startWatch, type Watch } from '../watch.ts';

const count = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length;

describe('an outage', () => {
  let server: PostgresServer;
  let road: Road;
  let run: Watch | undefined;
  beforeAll(async () => {
    server = await startTemporaryPostgres({});
    await makeShop(server, 'shop', 50);
  });
  beforeEach(async () => {
    road = {
      source: await server.createDatabase('source', 'shop'),
      warehouse: await server.createDatabase('warehouse'),
      data: await makeDataFolder(),
    };
    await runClean(road);
  });
  afterEach(async () => {
    await run?.end();
    await removeFolder(road.data);
    for (const name of ['source', 'warehouse']) {
      await ask(server.url(), `alter database ${name} allow_connections true`);
      await ask(server.url(), `drop database ${name} with (force)`);
    }
  });
  afterAll(() => server.stop());

  const refuse = (side: 'source' | 'warehouse') =>
    ask(
      server.url(),
      `alter database ${side} allow_connections false;
       select pg_terminate_backend(pid) from pg_stat_activity where datname = '${side}'`,
    );
  const isWell = async () => (await runCommand(['status', ...optionsOf(road)])).code === 0;
  const answer = (side: 'source' | 'warehouse') =>
    ask(server.url(), `alter database ${side} allow_connections true`);

  it.each(['source', 'warehouse'] as const)(
    'of the %s is waited out by a watch, printed at its beginning and its end, and costs no dead letter',
    async (side) => {
      const watch = startWatch(['--every', '0.5', ...optionsOf(road)]);
      run = watch;
      await seen(() => watch.output().includes('Watching'));
      await refuse(side);
      if (side === 'warehouse')
        await ask(road.source, `update staff set first_name = 'in the outage' where staff_id = 2`);
      await seen(() => watch.output().includes(`the ${side} refuses:`));
      // Several intervals and attempts.
      const attempts = Date.now() + 6000;
      await seen(() => Date.now() > attempts);
      await answer(side);
      if (side === 'source')
        await ask(road.source, `update staff set first_name = 'in the outage' where staff_id = 2`);
      const answeredAt = performance.now();
      await seenRow(road.warehouse, `select from dim_staff where first_name = 'in the outage'`);
      assertWithin((performance.now() - answeredAt) / 1000, 15);
      await seen(() => /The \w+ is back after \d+ s/.test(watch.output()));
      const output = watch.output();
      expect(output.match(/^!.*/gm)).toEqual([expect.stringContaining(`the ${side} refuses: `)]);
      expect(output).not.toMatch(/trying again|Warning/);
      expect(count(output, /is back after/g)).toBe(1);
      expect(output).toMatch(/since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC; waiting/);
      expect(output).toContain('55000');
      const failures = await runCommand(['failures', ...optionsOf(road)]);
      expect(failures).toMatchObject({ code: 0 });
      // A census may be on its way, and a watch that ends leaves it to the next one.
      await seen(isWell);
      expect(await watch.end('SIGINT')).toMatchObject({ code: 0 });
      await assertExact(road);
    },
  );

  it('of the warehouse is told by a watch that has nothing to load for it', async () => {
    const watch = startWatch(['--every', '0.5', ...optionsOf(road)]);
    run = watch;
    await seen(() => watch.output().includes('Watching'));
    await refuse('warehouse');
    await seen(() => watch.output().includes('the warehouse refuses:'));
    const told = await runCommand(['status', '--json', ...optionsOf(road)]);
    expect(lastJson<Status>(told)).toMatchObject({
      outages: [{ side: 'warehouse', since: expect.any(String) }],
      troubles: [
        { kind: 'unanswered', text: expect.stringMatching(/^the warehouse does not answer since /) },
      ],
    });
    await answer('warehouse');
    await seen(() => /The warehouse is back after \d+ s/.test(watch.output()));
    expect(watch.output().match(/^!.*/gm)).toEqual([expect.stringContaining('the warehouse refuses: ')]);
    await seen(isWell);
    expect(await watch.end('SIGINT')).toMatchObject({ code: 0 });
  });

  it('that lasts at the start of a run is waited out, and printed once', async () => {
    await ask(road.source, `update staff set first_name = 'before' where staff_id = 3`);
    await refuse('warehouse');
    const waiting = startRun(['--wait', '2m', ...optionsOf(road)]);
    run = waiting;
    await seen(() => waiting.output().includes('waiting'));
    const attempts = Date.now() + 3000;
    await seen(() => Date.now() > attempts);
    await answer('warehouse');
    expect(await waiting.ended).toMatchObject({ code: 0 });
    expect(count(waiting.output(), /; waiting/g)).toBe(1);
    expect(waiting.output()).toMatch(/Connected after \d+ s/);
    await assertExact(road);
  });

  it('of both databases ends a run after --wait with exit 1, names both, and names what still waits', async () => {
    await ask(road.source, `update design set design_name = 'waits' where design_id = 1`);
    const client = new pg.Client(server.url('warehouse'));
    client.on('error', () => {});
    await client.connect();
    await client.query('begin; lock table dim_design in share row exclusive mode');
    expect(await runCommand(['run', '--wait', '2s', ...optionsOf(road)])).toMatchObject({ code: 1 });
    for (const side of ['source', 'warehouse'] as const) await refuse(side);
    const { code, stdout, stderr } = await runCommand(['run', '--wait', '2s', ...optionsOf(road)]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^starlift: the source at .+, and the warehouse at .+; waited for \d+ s, /m);
    expect(`${stdout}${stderr}`).toMatch(/! dim_design waits in load: /);
    for (const side of ['source', 'warehouse'] as const) await answer(side);
    await runClean(road);
    await assertExact(road);
  });

  it('of databases that no folder is bound to yet is waited out with --wait, and leaves nothing behind', async () => {
    const data = join(road.data, 'unbound');
    const at = `postgres://127.0.0.1:${await findFreePort()}`;
    const ends = ['--source', `${at}/shop`, '--warehouse', `${at}/star`, '--data', data];
    const { code, stderr } = await runCommand(['run', '--wait', '2s', ...ends]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/source at .+ \(ECONNREFUSED\), and the warehouse at .+ \(ECONNREFUSED\), since /);
    expect(existsSync(data)).toBe(false);
    expect(await runCommand(['run', ...ends])).toMatchObject({ code: 2 });
  });

  it('is one error at once with --wait 0', async () => {
    await refuse('source');
    const refused = await runCommand(['run', '--wait', '0', ...optionsOf(road)]);
    expect(refused.code).toBe(2);
    expect(refused.stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('in the middle of a run ends it after --wait, with what is still waiting, and the next run carries on', async () => {
    await ask(road.source, `update design set design_name = 'locked away' where design_id = 1`);
    const locker = server.url('warehouse');
    const client = new pg.Client(locker);
    await client.connect();
    await client.query('begin; lock table dim_design in share row exclusive mode');
    const waiting = startRun(['--wait', '4s', ...optionsOf(road)]);
    run = waiting;
    const { code, stdout } = await waiting.ended;
    await client.query('rollback');
    await client.end();
    expect(code).toBe(1);
    expect(stdout).toMatch(/! dim_design waits in load: dim_design is locked by pid \d+/);
    expect(stdout).not.toContain('Nothing new');
    await runClean(road);
    await assertExact(road);
  });
});
