import type pg from 'pg';
import { TerminalError } from '../../../shared/errors.ts';
import { copyIn } from '../../../shared/postgres/copy-in.ts';
import { CREATE_KEYS, CREATE_TABLES, TABLE_NAMES } from './schema.ts';
import { DEFAULT_ORDERS } from './sizes.ts';
import { sampleTables } from './tables.ts';

// For the keys of a million orders: indexes sorted in memory, and no compiling of the checks' joins. It halves
// their time.
const LOCAL_SETTINGS = `set local maintenance_work_mem = '128MB'; set local jit = off;`;

/**
 * Edits that left last_updated as it was, as people make them by hand in the database: the new delivery day
 * of one sales order in 61, and the file name of one design in 47.
 */
const EDITS_IN_PLACE = `
update sales_order
   set agreed_delivery_date = to_char(to_date(agreed_delivery_date, 'YYYY-MM-DD') + 7, 'YYYY-MM-DD')
 where sales_order_id % 61 = 7;
update design set file_name = replace(file_name, '.json', '-v2.json') where design_id % 47 = 5;
`;

export interface FillOptions {
  /** Sales orders; the other facts grow with them. 5,000 when left out. */
  orders?: number;
  /** The same seed gives the same rows, to the byte. 1 when left out. */
  seed?: number;
  /** Called for every table at its start (0 rows), every 100,000 rows and its end. */
  onProgress?: (table: string, rows: number) => void;
}

/**
 * Fills a database with the sample shop's year of trade, making its tables when there are none. All of it is
 * one transaction: an interrupted fill leaves nothing.
 *
 * @param client connected, outside a transaction, with nothing else running on it
 * @returns the rows of each table
 * @throws {TerminalError} the database holds some of these tables already, or rows in them; or the number of
 *   orders is invalid
 */
export async function fillSampleShop(
  client: pg.Client,
  { orders = DEFAULT_ORDERS, seed = 1, onProgress = () => {} }: FillOptions,
): Promise<Record<string, number>> {
  const tables = sampleTables(orders, seed);
  const filled: Record<string, number> = {};
  await client.query('begin');
  try {
    await client.query(LOCAL_SETTINGS);
    const isNew = await assertNothingThere(client);
    if (isNew) await client.query(CREATE_TABLES);
    for (const { name, columns, chunks } of tables) {
      const report = everyRows(100_000, (rows) => onProgress(name, rows));
      const statement = `copy ${name} (${columns.join(', ')}) from stdin`;
      const { rows } = await copyIn(client, statement, chunks(report));
      filled[name] = rows;
      onProgress(name, rows);
    }
    await client.query(EDITS_IN_PLACE);
    if (isNew) await client.query(CREATE_KEYS);
    await client.query('commit');
  } catch (error) {
    // On a lost connection the server rolls back by itself, and the first error is the one that says why.
    await client.query('rollback').catch(() => {});
    throw error;
  }
  return filled;
}

/** Whether all tables of the shop are there, and filled: one transaction fills them. */
export async function isSampleShopThere(client: pg.Client): Promise<boolean> {
  const found = await client.query(
    `select from pg_class where relnamespace = current_schema()::regnamespace and relname = any ($1)`,
    [TABLE_NAMES],
  );
  if (found.rowCount !== TABLE_NAMES.length) return false;
  return (await client.query('select from sales_order limit 1')).rowCount !== 0;
}

/** @returns whether the tables are still to be made; false when all of them are there without rows */
async function assertNothingThere(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_class
      where relnamespace = current_schema()::regnamespace and relname = any ($1) order by relname`,
    [TABLE_NAMES],
  );
  const found = rows.map((row) => row.name);
  if (found.length === 0) return true;
  const [first = ''] = found;
  if (found.length < TABLE_NAMES.length)
    throw new TerminalError(
      `the database already has a table ${first}: the sample shop needs a database without it`,
      {
        table: first,
      },
    );
  await client.query(`lock table ${TABLE_NAMES.join(', ')} in share row exclusive mode`);
  for (const table of TABLE_NAMES) {
    const { rowCount } = await client.query(`select from ${table} limit 1`);
    if (rowCount !== 0)
      throw new TerminalError(`the table ${table} already has rows: the sample shop needs it empty`, {
        table,
      });
  }
  return false;
}

function everyRows(step: number, report: (rows: number) => void): (rows: number) => void {
  let next = 0;
  return (rows) => {
    if (rows < next) return;
    next = rows - (rows % step) + step;
    report(rows);
  };
}
