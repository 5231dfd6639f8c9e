import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import type { PostgresServer } from '../../helpers/postgres/postgres-server.ts';
import { tpch } from '../../models/tpch.ts';
import { copyCommand, quoteForShell, runInShell } from '../reference/copy-command.ts';
import { execute, keptFolder } from './servers.ts';
import { once } from './source-databases.ts';

/** In the order of their foreign keys. */
export const tpchTables = [
  'region',
  'nation',
  'supplier',
  'part',
  'partsupp',
  'customer',
  'orders',
  'lineitem',
] as const;

/** The statements that make the tables, with their keys. */
export const readTpchTables = (): Promise<string> =>
  readFile(fileURLToPath(new URL('../../models/tpch.sql', import.meta.url)), 'utf8');

/**
 * The eight tables of TPC-H at a scale, as the field's generator makes them; without it those of our own, which have one
 * size. Made once and kept.
 *
 * @param programs of the Python environment; undefined where there is none
 * @returns the database's URL
 */
export async function tpchDatabase(
  server: PostgresServer,
  scale: number,
  programs: string | undefined,
): Promise<string> {
  const name = programs === undefined ? 'tpch_own' : `tpch_${String(scale).replace('.', '_')}`;
  return once(server, name, async (unfinished) => {
    const url = await server.createDatabase(unfinished);
    await execute(url, [await readTpchTables()]);
    if (programs === undefined) await fillByOwn(url);
    else await fillByGenerator(url, scale, programs);
    await execute(url, ['vacuum (analyze)']);
  });
}

async function fillByOwn(url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await tpch.fill(client, 1);
  } finally {
    await client.end();
  }
}

async function fillByGenerator(url: string, scale: number, programs: string): Promise<void> {
  const folder = await mkdtemp(join(keptFolder, `run-${process.pid}-`));
  try {
    for (const table of tpchTables) {
      const options = ['--scale-factor', String(scale), '--tables', table, '--output-dir', folder];
      await promisify(execFile)(join(programs, 'tpchgen-cli'), ['csv', ...options]);
      const file = join(folder, `${table}.csv`);
      const copy = copyCommand(url, `copy ${table} from stdin with (format csv, header)`);
      await runInShell(`${copy} < ${quoteForShell(file)}`);
      await rm(file);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What must be the same at both ends: rows and a sum of each table. */
export async function sumsOfTpch(url: string, nameOf: (table: string) => string): Promise<string> {
  const sums = Object.entries(summed).map(
    ([table, column]) =>
      // dlt makes floats of numerics.
      `(select '${table}: ' || count(*) || ', ' || round(sum(${column})::numeric, 2) from ${nameOf(table)})`,
  );
  const [row] = await execute<{ sums: string }>(url, [`select concat_ws('; ', ${sums.join(', ')}) as sums`]);
  return String(row?.sums);
}

const summed = {
  region: 'r_regionkey',
  nation: 'n_regionkey',
  supplier: 's_acctbal',
  part: 'p_retailprice',
  partsupp: 'ps_supplycost',
  customer: 'c_acctbal',
  orders: 'o_totalprice',
  lineitem: 'l_extendedprice',
} satisfies Record<(typeof tpchTables)[number], string>;

export async function countTpch(url: string): Promise<number> {
  const counts = tpchTables.map((table) => `(select count(*) from ${table})`);
  const [row] = await execute<{ rows: string }>(url, [`select ${counts.join(' + ')} as rows`]);
  return Number(row?.rows);
}
