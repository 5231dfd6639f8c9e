import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { tell } from '../../helpers/jest/long-form.ts';
import { makeSeparateMachine } from '../../helpers/network/separate-machine.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../helpers/seen.ts';

const program = fileURLToPath(new URL('lock-and-stay.ts', import.meta.url));
const machine = makeSeparateMachine();
if (machine === undefined)
  tell('\nNOT TESTED: a client that is cut off. A network of its own cannot be made here.\n');

(machine === undefined ? describe.skip : describe)('a client that is cut off from the warehouse', () => {
  let server: PostgresServer;
  let client: pg.Client;
  const children: ChildProcess[] = [];
  beforeAll(async () => {
    server = await startTemporaryPostgres({ settings: { listen_addresses: '*' } });
    await appendFile(join(server.dataDir, 'pg_hba.conf'), '\nhost all all samenet trust\n');
    client = new pg.Client(server.url());
    await client.connect();
    await client.query('select pg_reload_conf(); create table idle (n int); create table copied (n int)');
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await client.end();
    await server.stop();
    machine?.remove();
  });

  const lockedTables = async () => {
    const { rows } = await client.query(
      `select relname from pg_locks join pg_class on relation = pg_class.oid
        where mode = 'AccessExclusiveLock' and relname in ('idle', 'copied') order by 1`,
    );
    return rows.map(({ relname }) => relname);
  };

  it('in both directions, between two statements or in a COPY, holds its locks for less than a minute', async () => {
    const url = server.url().replace('127.0.0.1', machine?.address ?? '');
    for (const [table, how] of [
      ['idle', 'between'],
      ['copied', 'COPY'],
    ] as const) {
      const words = [...(machine?.prefix ?? []), process.execPath, '--no-warnings', program, url, table, how];
      const child = spawn(words[0] ?? '', words.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
      children.push(child);
      await once(child.stdout as NodeJS.ReadableStream, 'data');
    }
    await seen(async () => {
      const { rows } = await client.query(
        `select from pg_stat_activity where state = 'active' and query like 'copy %' and wait_event = 'ClientRead'`,
      );
      return rows.length === 1;
    });
    expect(await lockedTables()).toEqual(['copied', 'idle']);
    machine?.cut();
    const cutAt = performance.now();
    await seen(async () => (await lockedTables()).length === 0, 90);
    expect(performance.now() - cutAt).toBeLessThan(60_000);
  });
});
