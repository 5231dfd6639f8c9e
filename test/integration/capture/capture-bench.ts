import { expect } from '@jest/globals';
import pg from 'pg';
import {
  type ExtractDeps,
  type ExtractOutcome,
  extractSlice,
} from '../../../services/ingestion/extract/extract-slice.ts';
import { type PlanDeps, planRun } from '../../../services/ingestion/plan/plan-run.ts';
import { type Database, makeDatabase } from '../../../shared/postgres/database.ts';
import {
  type ExtractMessage,
  formatExtractMessage,
  parseExtractMessage,
} from '../../../shared/records/plan/extract-message.ts';
import { makePutLayout } from '../../../shared/records/plan/layout.ts';
import type { PlannedRun } from '../../../shared/records/plan/run-record.ts';
import { type MemoryStore, makeMemoryStore } from '../../helpers/rows/memory-store.ts';
import { latestRows, type Row } from './ingested-rows.ts';
import { shopModel, shopRows, shopTables } from './shop-model.ts';

/** A source, a bucket and a queue, with a plan and extracts to call one by one. */
export interface CaptureBench {
  /** The owner of the tables. */
  source: pg.Client;
  store: MemoryStore;
  queue: ExtractMessage[];
  /** The connections of the plan and the extracts. */
  database: Pick<Database, 'withClient'>;
  /** Another session of the owner, open until the bench ends. */
  connect(): Promise<pg.Client>;
  plan(options?: Partial<PlanDeps>): Promise<PlannedRun>;
  extract(message: ExtractMessage, options?: Partial<ExtractDeps>): Promise<ExtractOutcome>;
  /** Extracts whatever is on the queue, split slices too. */
  extractAll(options?: Partial<ExtractDeps>): Promise<ExtractOutcome[]>;
  /** Plans and extracts. */
  run(): Promise<PlannedRun>;
  /** Asserts that what was ingested of the tables is what the source holds. */
  expectExact(...tables: (keyof typeof shopRows)[]): Promise<void>;
  end(): Promise<void>;
}

/** Makes the shop's tables in a new database; pipeline sessions read it with select rights alone. */
export async function makeCaptureBench(url: string): Promise<CaptureBench> {
  const bench = await attachCaptureBench(url, makeMemoryStore());
  await bench.source.query(`
    do $$ begin create role reader login; exception when duplicate_object or unique_violation then null; end $$`);
  await bench.source.query(shopTables);
  return bench;
}

/** The same over tables that are there already: another server with the same data. */
export async function attachCaptureBench(url: string, store: MemoryStore): Promise<CaptureBench> {
  const sessions: pg.Client[] = [];
  const connect = async () => {
    const client = new pg.Client({ connectionString: url });
    // A server that is killed ends its sessions; the tests say themselves what is to happen then.
    client.on('error', () => {});
    await client.connect();
    sessions.push(client);
    return client;
  };
  const source = await connect();
  const database = readerDatabase(url);
  const queue: ExtractMessage[] = [];
  const send = async (messages: readonly ExtractMessage[]) => {
    queue.push(...messages.map((message) => parseExtractMessage(formatExtractMessage(message))));
  };
  const deps = { database, ingested: store, send, model: shopModel, schema: 'public' };
  const putLayout = makePutLayout(store);
  const extract: CaptureBench['extract'] = (message, options) =>
    extractSlice(message, { ...deps, putLayout, restart: 'identity', ...options });
  const plan: CaptureBench['plan'] = (options) =>
    planRun({ ...deps, restart: 'identity', now: () => new Date(), ...options });
  const extractAll: CaptureBench['extractAll'] = async (options) => {
    const outcomes: ExtractOutcome[] = [];
    for (let message = queue.shift(); message !== undefined; message = queue.shift()) {
      outcomes.push(await extract(message, options));
    }
    return outcomes;
  };
  return {
    source,
    store,
    queue,
    database,
    connect,
    plan,
    extract,
    extractAll,
    run: async () => {
      const planned = await plan();
      await extractAll();
      return planned;
    },
    expectExact: async (...tables) => {
      for (const table of tables) {
        expect(latestRows(store, table, `${table}_id`)).toEqual(await sourceRows(source, shopRows[table]));
      }
    },
    end: async () => {
      await database.end();
      await Promise.all(sessions.map((client) => client.end().catch(() => {})));
    },
  };
}

function readerDatabase(url: string): Database {
  const { hostname: host, port, pathname } = new URL(url);
  const secret = {
    host,
    port: Number(port),
    dbname: decodeURIComponent(pathname.slice(1)),
    username: 'reader',
    password: '',
    sslmode: 'disable' as const,
  };
  return makeDatabase(async () => secret, { applicationName: 'test', maxConnections: 4 });
}

export async function sourceRows(source: pg.Client, sql: string): Promise<Row[]> {
  const { rows } = await source.query<{ row: Row }>(`select row_to_json(t) as row from (${sql}) t`);
  return rows.map(({ row }) => row);
}
