import type { PostgresServer } from '../../helpers/postgres/postgres-server.ts';
import { finished, spawnStarlift } from '../../helpers/processes/starlift.ts';
import { execute } from './servers.ts';

/** Rows of a sample shop for each of its sales orders: 0.44 purchases, and a transaction and a payment for each. */
const rowsAnOrder = 4.32;

/** Sales orders of a shop of about so many rows in all. */
export const ordersOfShop = (rows: number): number => Math.round(rows / rowsAnOrder);

/**
 * The whole sample shop with so many sales orders, as `starlift sample` makes it; made once and kept.
 *
 * @returns the database's URL
 */
export async function shopDatabase(server: PostgresServer, orders: number): Promise<string> {
  const name = `shop_${orders}`;
  return once(server, name, async (unfinished) => {
    await server.createDatabase(unfinished);
    const args = ['sample', '--source', server.url(unfinished), '--orders', String(orders)];
    const { code, stderr } = await finished(spawnStarlift(args));
    if (code !== 0) throw new Error(`the sample shop could not be made: ${stderr}`);
    await execute(server.url(unfinished), ['vacuum (analyze)']);
  });
}

/**
 * A shop with so many sales orders and the small tables that they name, and nothing in the tables that would grow
 * with them: what is compared with the copy of one table should have the rows of one table. Made once and kept.
 */
export async function ordersDatabase(server: PostgresServer, orders: number): Promise<string> {
  const name = `orders_${orders}`;
  return once(server, name, async (unfinished) => {
    await shopDatabase(server, orders);
    await server.createDatabase(unfinished, `shop_${orders}`);
    const statements = ['truncate payment, transaction, purchase_order', 'vacuum (analyze)'];
    await execute(server.url(unfinished), statements);
  });
}

/** Made under another name first: one that was broken off is never taken for a whole one. */
export async function once(
  server: PostgresServer,
  name: string,
  make: (unfinished: string) => Promise<void>,
): Promise<string> {
  const found = await execute(server.url(), [`select from pg_database where datname = '${name}'`]);
  if (found.length > 0) return server.url(name);
  process.stderr.write(`making the database ${name}, once\n`);
  const unfinished = `unfinished_${name}`;
  await execute(server.url(), [`drop database if exists ${unfinished}`]);
  await make(unfinished);
  await execute(server.url(), [`alter database ${unfinished} rename to ${name}`]);
  return server.url(name);
}
