import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { connect } from '../../cli/database/connect.ts';
import { toJson } from '../../cli/verify/report.ts';
import { verifyWarehouse } from '../../cli/verify/verify-warehouse.ts';
import { fillSampleShop } from '../../models/totesys/sample/fill.ts';
import { totesys } from '../helpers/models/totesys.ts';
import { type AskedStatus, makeDifferenceError } from '../helpers/never-silently-wrong.ts';
import type { PostgresServer } from '../helpers/postgres/temporary-postgres.ts';
import { runCommand } from '../helpers/processes/inline-command.ts';
import { type CommandResult, lastJson } from '../helpers/processes/starlift.ts';

export interface Tally {
  table: string;
  source: string | null;
  extracted: number;
  loaded: number;
  waiting: number;
  quarantined: number;
  failed: number;
}

/** What `run --json` ends with. */
export interface RunResult {
  run: string;
  seconds: number;
  ok: boolean;
  tables: Tally[];
}

/** What `verify --json` ends with. */
export interface VerifyResult {
  ok: boolean;
  tables: Record<string, unknown>[];
}

/** The two databases and the folder of one road. */
export interface Road {
  source: string;
  warehouse: string;
  data: string;
}

/** The options that name a road's databases and its folder. */
export const optionsOf = ({ source, warehouse, data }: Road): string[] => [
  '--source',
  source,
  '--warehouse',
  warehouse,
  '--data',
  data,
];

/** Runs `run --json` on a road of one's own databases. */
export const runRoad = (road: Road, ...more: string[]): Promise<CommandResult> =>
  runCommand(['run', ...optionsOf(road), '--json', ...more]);

/** Runs once more where all must be well: fails with what the command wrote where it is not. */
export async function runClean(road: Road): Promise<RunResult> {
  const result = await runRoad(road);
  if (result.code !== 0)
    throw new Error(`run ended with ${result.code}:\n${result.stdout}\n${result.stderr}`);
  return lastJson<RunResult>(result);
}

/**
 * Compares source and warehouse as `verify` does; fails with its findings, and with what `status` says of them where the
 * folder is known.
 */
export async function assertExact(road: Omit<Road, 'data'> & Partial<Road>): Promise<void> {
  const { source, warehouse, data } = road;
  const clients = {
    source: await connect(source, 'source'),
    warehouse: await connect(warehouse, 'warehouse'),
  };
  try {
    const report = await verifyWarehouse({ ...clients, warehouseSchema: 'public', model: totesys });
    if (report.ok) return;
    const status = data === undefined ? undefined : await runCommand(['status', '--json', '--data', data]);
    throw makeDifferenceError(toJson(report), status && lastJson<AskedStatus>(status));
  } finally {
    await clients.source.end();
    await clients.warehouse.end();
  }
}

/** The rows that one run loaded, by warehouse table. */
export const loadedRows = ({ tables }: Pick<RunResult, 'tables'>): Record<string, number> =>
  Object.fromEntries(tables.map(({ table, loaded }) => [table, loaded]));

/** Runs SQL on a connection of its own; several statements give the last one's rows. Values as texts. */
export async function ask(url: string, sql: string): Promise<(string | null)[][]> {
  const client = new pg.Client({ connectionString: url, types: { getTypeParser: () => String } });
  await client.connect();
  try {
    const answer = await client.query<(string | null)[]>({ text: sql, rowMode: 'array' });
    return (Array.isArray(answer) ? (answer as (typeof answer)[]) : [answer]).at(-1)?.rows ?? [];
  } finally {
    await client.end();
  }
}

/** A small sample shop as a template for `createDatabase`. @returns the database's URL */
export async function makeShop(server: PostgresServer, name: string, orders = 300): Promise<string> {
  const url = await server.createDatabase(name);
  const client = new pg.Client(url);
  await client.connect();
  try {
    await fillSampleShop(client, { orders });
  } finally {
    await client.end();
  }
  return url;
}

/** A new folder for `--data`. The embedded Postgres, which may run as another user, can pass through it. */
export async function makeDataFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'starlift-e2e-'));
  await chmod(folder, 0o711);
  return folder;
}

export const removeFolder = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true, maxRetries: 5 });
