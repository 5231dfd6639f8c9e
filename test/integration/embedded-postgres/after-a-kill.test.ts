import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startEmbeddedPostgres } from '../../../cli/embedded/postgres/embedded-postgres.ts';
import { makeDataFolder, query, startElsewhere, waitUntilGone, withServer } from './data-folder.ts';

describe('after a kill -9', () => {
  let folder: Awaited<ReturnType<typeof makeDataFolder>>;
  beforeAll(async () => {
    folder = await makeDataFolder();
    await withServer(folder.dataDir, async () => {});
  });
  afterAll(() => folder.remove());

  const postmasterPid = async () =>
    Number.parseInt(await readFile(join(folder.dataDir, 'postgres', 'postmaster.pid'), 'utf8'), 10);

  it('of the postmaster, every commit is there at the next start', async () => {
    const server = await startEmbeddedPostgres({ dataDir: folder.dataDir });
    await query(server.sourceUrl, 'create table counted as select generate_series(1, 1000) as a');
    process.kill(await postmasterPid(), 'SIGKILL');
    await server.ended;
    await withServer(folder.dataDir, async ({ sourceUrl }) => {
      expect(await query(sourceUrl, 'select count(*)::int as n from counted')).toEqual([{ n: 1000 }]);
    });
  });

  it('of the process that started it, the orphaned server is stopped and another one starts', async () => {
    const { starter, firstLine } = await startElsewhere(folder.dataDir);
    starter.kill('SIGKILL');
    await once(starter, 'exit');
    const orphan = await postmasterPid();
    process.kill(orphan, 0);
    await withServer(folder.dataDir, async ({ port, sourceUrl }) => {
      await waitUntilGone(orphan);
      expect(port).not.toBe(Number(firstLine));
      expect(await query(sourceUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
    });
  });

  it('is not needed: a starter that fails without stop() takes its server along', async () => {
    const { starter } = await startElsewhere(folder.dataDir);
    const server = await postmasterPid();
    starter.kill('SIGUSR2');
    await once(starter, 'exit');
    await waitUntilGone(server);
  });

  it('between the cluster and its passwords, the next start sets the passwords', async () => {
    await rm(join(folder.dataDir, 'postgres.json'));
    await mkdir(join(folder.dataDir, 'postgres.new-1-1'));
    await withServer(folder.dataDir, async ({ readerUrl }) => {
      expect(await query(readerUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
    });
  });

  it('a lock file that names a process of another program stops nobody', async () => {
    const server = await startEmbeddedPostgres({ dataDir: folder.dataDir });
    const killed = await postmasterPid();
    process.kill(killed, 'SIGKILL');
    await server.ended;
    const stranger = spawn('sleep', ['60']);
    const lockFile = join(folder.dataDir, 'postgres', 'postmaster.pid');
    const lock = await readFile(lockFile, 'utf8');
    await writeFile(lockFile, lock.replace(String(killed), String(stranger.pid)));
    await withServer(folder.dataDir, async ({ sourceUrl }) => {
      expect(await query(sourceUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
    });
    expect([stranger.exitCode, stranger.signalCode]).toEqual([null, null]);
    stranger.kill();
  });

  it('in the middle of making the cluster, the next start makes it', async () => {
    const { dataDir, remove } = await makeDataFolder();
    const script = `const { startEmbeddedPostgres } = await import(process.argv[1]);
      await startEmbeddedPostgres({ dataDir: process.argv[2] });`;
    const module = new URL('../../../cli/embedded/postgres/embedded-postgres.ts', import.meta.url).href;
    const starter = spawn(process.execPath, ['--input-type=module', '-e', script, module, dataDir]);
    const initialising = async () => (await readdir(dataDir).catch(() => [])).length > 0;
    while (!(await initialising()) && starter.exitCode === null) await new Promise(setImmediate);
    starter.kill('SIGKILL');
    await once(starter, 'exit');
    expect(await readdir(dataDir)).toEqual([expect.stringMatching(/^postgres\.new-/)]);
    await withServer(dataDir, async ({ warehouseUrl }) => {
      expect(await query(warehouseUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
    });
    expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres.json']);
    await remove();
  });
});

describe('stop()', () => {
  let folder: Awaited<ReturnType<typeof makeDataFolder>>;
  beforeAll(async () => {
    folder = await makeDataFolder();
  });
  afterAll(() => folder.remove());

  it('ends a server whose clients hold open transactions, and may be called twice', async () => {
    const server = await startEmbeddedPostgres({ dataDir: folder.dataDir });
    const held = query(server.sourceUrl, 'select pg_sleep(600)');
    const lost = expect(held).rejects.toBeDefined();
    const activity = 'select 1 from pg_stat_activity where query like $$select pg_sleep%$$';
    const sleepers = () => query(server.adminUrl('postgres'), activity);
    while ((await sleepers()).length === 0) await new Promise(setImmediate);
    await server.stop();
    await server.stop();
    await lost;
    await expect(query(server.sourceUrl, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('ends even a server that does not react', async () => {
    const server = await startEmbeddedPostgres({ dataDir: folder.dataDir });
    const pid = Number.parseInt(
      await readFile(join(folder.dataDir, 'postgres', 'postmaster.pid'), 'utf8'),
      10,
    );
    process.kill(pid, 'SIGSTOP');
    await server.stop();
    await waitUntilGone(pid);
  });
});
