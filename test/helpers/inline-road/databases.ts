import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { PostgresServer } from '../postgres/temporary-postgres.ts';
import { makeShop, openShop } from './shop.ts';

/** A small shop and an empty warehouse, and the roles that the services use. */
export interface Databases {
  source: pg.Client;
  warehouse: pg.Client;
  sourceUrl: string;
  warehouseUrl: string;
  end(): Promise<void>;
}

/** Nobody is asked for it, until a test demands another. */
const givenPassword = 'given';

/** @param warehouseServer another server for the warehouse; the same where it is left out */
export async function makeDatabases(
  server: PostgresServer,
  warehouseServer: PostgresServer = server,
): Promise<Databases> {
  const source = await connect(await server.createDatabase('shop'));
  await makeShop(source);
  await openShop(source);
  const warehouse = await connect(await warehouseServer.createDatabase('warehouse'));
  await warehouse.query('create role loader login; alter database warehouse owner to loader');
  await warehouse.query('alter schema public owner to loader');
  const databases: Databases = {
    source,
    warehouse,
    sourceUrl: withUser(server.url('shop'), 'reader', givenPassword),
    warehouseUrl: withUser(warehouseServer.url('warehouse'), 'loader', givenPassword),
    end: async () => {
      await Promise.all([databases.source.end(), databases.warehouse.end()]);
    },
  };
  return databases;
}

/** A connection that the server may end at any time; the next query says so. */
export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  client.on('error', () => {});
  await client.connect();
  return client;
}

export function withUser(url: string, user: string, password = ''): string {
  const changed = new URL(url);
  changed.username = user;
  changed.password = password;
  return changed.href;
}

/** From now on a role has to give its password; others are trusted as before. */
export async function demandPassword(server: PostgresServer, client: pg.Client, role: string): Promise<void> {
  const path = join(server.dataDir, 'pg_hba.conf');
  const rest = await readFile(path, 'utf8');
  await writeFile(path, `host all ${role} 127.0.0.1/32 scram-sha-256\n`);
  await appendFile(path, rest);
  await client.query('select pg_reload_conf()');
}
