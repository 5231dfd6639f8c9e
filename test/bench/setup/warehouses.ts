import type { PostgresServer } from '../../helpers/postgres/postgres-server.ts';
import { createFact } from '../reference/fact-sql.ts';
import type { Resident } from '../resident.ts';
import { execute } from './servers.ts';

/** Drops a database and creates it again. @returns its URL */
export async function freshDatabase(
  server: PostgresServer,
  name: string,
  template = 'template1',
): Promise<string> {
  await execute(server.url(), [`drop database if exists ${name} with (force)`]);
  return server.createDatabase(name, template);
}

/** A database that holds nothing but the reference's own fact table, with its primary key and unique key. */
export async function referenceWarehouse(server: PostgresServer, name = 'reference'): Promise<string> {
  const url = await freshDatabase(server, name);
  await execute(url, [createFact]);
  return url;
}

/**
 * A warehouse as the product makes it, with everything of a folder's processed objects but the facts.
 *
 * @returns the database's name, to be the template of others
 */
export async function warehouseTemplate(
  server: PostgresServer,
  stages: Resident,
  folder: string,
): Promise<string> {
  const name = 'dimensions';
  const warehouse = await freshDatabase(server, name);
  await stages.run({ stage: 'load', warehouse, folder, only: 'others' });
  return name;
}
