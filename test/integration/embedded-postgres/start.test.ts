import { chmod, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../../cli/embedded/postgres/embedded-postgres.ts';
import { makeDataFolder, query, withServer } from './data-folder.ts';

describe('the embedded Postgres', () => {
  let folder: Awaited<ReturnType<typeof makeDataFolder>>;
  let server: EmbeddedPostgres;

  beforeAll(async () => {
    folder = await makeDataFolder();
    server = await startEmbeddedPostgres({ dataDir: folder.dataDir });
  });

  afterAll(async () => {
    await server?.stop();
    await folder?.remove();
  });

  it('is version 18 with a database for the source and one for the warehouse, each owned by its role', async () => {
    const rows = await query(
      server.adminUrl('postgres'),
      `select datname, pg_get_userbyid(datdba) as owner, pg_encoding_to_char(encoding) as encoding
         from pg_database where datname in ('shop', 'warehouse') order by 1`,
    );
    expect(rows).toEqual([
      { datname: 'shop', owner: 'shop', encoding: 'UTF8' },
      { datname: 'warehouse', owner: 'warehouse', encoding: 'UTF8' },
    ]);
    const [version] = await query(server.sourceUrl, 'show server_version_num');
    expect(Number(version?.server_version_num)).toBeGreaterThanOrEqual(180_000);
  });

  it('lets the reader read tables made later, and do nothing else', async () => {
    await query(
      server.sourceUrl,
      'create schema more; create table more.t (a int); insert into more.t values (7)',
    );
    expect(await query(server.readerUrl, 'select a from more.t')).toEqual([{ a: 7 }]);
    await expect(query(server.readerUrl, 'insert into more.t values (8)')).rejects.toMatchObject({
      code: '42501',
    });
    await expect(query(server.readerUrl, 'create table x (a int)')).rejects.toMatchObject({ code: '42501' });
    await query(server.sourceUrl, 'drop schema more cascade');
  });

  it('keeps the source and the warehouse apart', async () => {
    const crossed = (url: string, database: string) => url.replace(/[^/]*$/, database);
    for (const url of [crossed(server.readerUrl, 'warehouse'), crossed(server.warehouseUrl, 'shop')])
      await expect(query(url, 'select 1')).rejects.toMatchObject({ code: '42501' });
  });

  it('wants a password, and listens on 127.0.0.1 only', async () => {
    const wrong = server.warehouseUrl.replace(/:[^:@]+@/, ':guess@');
    await expect(query(wrong, 'select 1')).rejects.toMatchObject({ code: '28P01' });
    const admin = server.adminUrl('postgres');
    const [addresses] = await query(admin, 'show listen_addresses');
    const [sockets] = await query(admin, 'show unix_socket_directories');
    expect([addresses, sockets]).toEqual([
      { listen_addresses: '127.0.0.1' },
      { unix_socket_directories: '' },
    ]);
    const stored = await query(admin, "select rolpassword from pg_authid where rolname like 'shop%'");
    expect(stored.map((row) => String(row.rolpassword).slice(0, 14))).toEqual([
      'SCRAM-SHA-256$',
      'SCRAM-SHA-256$',
    ]);
  });

  it('leaves the passwords to their owner alone, and one of each role', async () => {
    const path = join(folder.dataDir, 'postgres.json');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const passwords = Object.values(JSON.parse(await readFile(path, 'utf8')));
    expect(new Set(passwords).size).toBe(4);
  });

  it('does not lose a commit when its process is killed: fsync and synchronous commit are on', async () => {
    const [row] = await query(
      server.sourceUrl,
      "select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit",
    );
    expect(row).toEqual({ fsync: 'on', commit: 'on' });
  });
});

describe('a data folder', () => {
  it('keeps its rows and its passwords from one start to the next', async () => {
    const { dataDir, remove } = await makeDataFolder();
    const first = await withServer(dataDir, async ({ warehouseUrl }) => {
      await query(warehouseUrl, "create table kept (a text); insert into kept values ('é')");
      return new URL(warehouseUrl).password;
    });
    await withServer(dataDir, async ({ warehouseUrl }) => {
      expect(new URL(warehouseUrl).password).toBe(first);
      expect(await query(warehouseUrl, 'select a from kept')).toEqual([{ a: 'é' }]);
    });
    await remove();
  });

  it('that lost its passwords gets new ones, and keeps its rows', async () => {
    const { dataDir, remove } = await makeDataFolder();
    await withServer(dataDir, ({ sourceUrl }) => query(sourceUrl, 'create table kept (a int)'));
    await rm(join(dataDir, 'postgres.json'));
    await withServer(dataDir, async ({ sourceUrl }) => {
      expect(await query(sourceUrl, 'select count(*) from kept')).toEqual([{ count: '0' }]);
    });
    await remove();
  });

  it('may be one of mode 0700, as mktemp makes them, also for root', async () => {
    const { parent, remove } = await makeDataFolder();
    await chmod(parent, 0o700);
    await withServer(parent, async ({ readerUrl }) => {
      expect(await query(readerUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
    });
    await remove();
  });
});
