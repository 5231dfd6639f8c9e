import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { findPgbouncer, type Pgbouncer, startPgbouncer } from '../../helpers/postgres/pgbouncer.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { runCommand } from '../../helpers/processes/inline-command.ts';
import { ask, makeDataFolder, makeShop, optionsOf, type Road, removeFolder, runClean } from '../road.ts';

const program = findPgbouncer();
if (program === undefined) {
  process.stderr.write('\nNOT TESTED: a pooler in transaction mode. This machine has no pgbouncer.\n\n');
}

/** What pgbouncer itself sets on its connections for each client. */
const pooled = [
  'application_name',
  'client_encoding',
  'DateStyle',
  'TimeZone',
  'standard_conforming_strings',
];
const question = `
  select pg_backend_pid() as pid,
         (select coalesce(json_object_agg(name, setting), '{}') from pg_settings
           where source = 'session' and name <> all ($1)) as settings`;

interface Seen {
  pids: Set<number>;
  settings: Set<string>;
}

/** Another client of the same pool: what it sees between the statements of others. */
function watchPool(url: string): { stop(): Promise<Seen> } {
  const seen: Seen = { pids: new Set(), settings: new Set() };
  const stopping = new AbortController();
  const watch = async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    while (!stopping.signal.aborted) {
      const { rows } = await client.query<{ pid: number; settings: object }>(question, [pooled]);
      for (const { pid, settings } of rows) {
        seen.pids.add(pid);
        seen.settings.add(JSON.stringify(settings));
      }
      await delay(5, undefined, { signal: stopping.signal }).catch(() => {});
    }
    await client.end();
    return seen;
  };
  const watching = watch();
  watching.catch(() => {});
  return {
    stop: () => {
      stopping.abort();
      return watching;
    },
  };
}

const describeWithPooler = program === undefined ? describe.skip : describe;

describeWithPooler('two databases behind a pooler in transaction mode', () => {
  let server: PostgresServer;
  let pooler: Pgbouncer;
  let road: Road;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    await makeShop(server, 'shop', 50);
    await server.createDatabase('warehouse');
    pooler = await startPgbouncer(program ?? '', server.port);
    const [source, warehouse] = [pooler.url('shop'), pooler.url('warehouse')];
    road = { source, warehouse, data: await makeDataFolder() };
  });
  afterAll(async () => {
    await pooler.stop();
    await server.stop();
    await removeFolder(road.data);
  });

  it('are captured, loaded, verified and looked at, and no other client of the pool sees a setting of ours', async () => {
    const watches = [watchPool(road.source), watchPool(road.warehouse)];
    const named = optionsOf(road);
    const first = await runClean(road);
    await ask(server.url('shop'), `update staff set first_name = 'Ada' where staff_id = 1`);
    const second = await runClean(road);
    const verified = await runCommand(['verify', ...named]);
    const status = await runCommand(['status', ...named]);
    const seen = await Promise.all(watches.map((watch) => watch.stop()));
    expect([first.ok, second.ok]).toEqual([true, true]);
    expect(await ask(server.url('warehouse'), `select first_name from dim_staff where staff_id = 1`)).toEqual(
      [['Ada']],
    );
    expect(verified).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('The warehouse is exact: it has every row'),
    });
    expect({ code: status.code, stderr: status.stderr }).toMatchObject({ code: 0 });
    for (const { pids, settings } of seen) {
      expect([...settings]).toEqual(['{}']);
      // All of it went over the connection that the other client has asked.
      expect(pids.size).toBe(1);
    }
  });
});
