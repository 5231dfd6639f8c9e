import type pg from 'pg';
import { type LoadOptions, type LoadResult, loadObject } from '../../../services/loading/load/load.ts';
import type { Model } from '../../../shared/model/model.ts';
import type { ProcessedKey, RunId } from '../../../shared/object-store/object-key.ts';
import { type Database, makeDatabase } from '../../../shared/postgres/database.ts';
import type { RunRecord } from '../../../shared/records/plan/run-record.ts';
import { type EnsureOptions, ensureWarehouse } from '../../../shared/warehouse/ensure-warehouse.ts';
import { Bucket, type ObjectFacts } from './parquet-objects.ts';

const identity = (text: string) => text;

/** A warehouse in a database of its own, and a bucket of processed objects to load into it. */
export class WarehouseUnderTest {
  database: Database;
  readonly bucket = new Bucket();
  readonly model: Model;
  /** What was planned, as far as it is known. */
  readonly runs = new Map<RunId, Pick<RunRecord, 'slices'>>();
  maxKeylessRows = 1000;
  /** Small tables too have their keys built on two connections. */
  minSharedBytes = 0;
  readRun = async (run: RunId) => this.runs.get(run);

  private constructor(url: string, model: Model) {
    this.database = databaseAt(url);
    this.model = model;
  }

  static async make(url: string, model: Model, options: Partial<EnsureOptions> = {}) {
    const warehouse = new WarehouseUnderTest(url, model);
    await warehouse.database.withClient((client) =>
      ensureWarehouse(client, model, { schema: 'public', foreignKeys: 'declared', ...options }),
    );
    return warehouse;
  }

  put(table: string, facts: ObjectFacts): Promise<ProcessedKey> {
    return this.bucket.put(this.model.table(table), facts);
  }

  load(key: ProcessedKey, options: LoadOptions = {}): Promise<LoadResult> {
    const { database, bucket, model, readRun, maxKeylessRows, minSharedBytes } = this;
    const limits = { maxKeylessRows, minSharedBytes };
    const notify = async () => {};
    const deps = { database, processed: bucket, notify, model, schema: 'public', readRun, ...limits };
    return loadObject(key, deps, options);
  }

  async putAndLoad(table: string, facts: ObjectFacts): Promise<LoadResult> {
    return this.load(await this.put(table, facts));
  }

  /** The rows of a query, every value as Postgres' text. */
  ask(text: string, values: unknown[] = []): Promise<Record<string, string | null>[]> {
    return this.database.withClient(async (client) => {
      const types = { getTypeParser: () => identity };
      const query = { text, values, types: types as unknown as pg.CustomTypesConfig };
      return (await client.query(query)).rows;
    });
  }

  /** Empties these tables and the ledger. */
  async truncate(...tables: readonly string[]): Promise<void> {
    const own = ['object', 'census', 'deletion', 'row_change', 'table'].map((name) => `starlift.${name}`);
    await this.ask(`truncate ${[...tables, ...own].join(', ')} cascade`);
  }

  end(): Promise<void> {
    return this.database.end();
  }
}

/** @param url postgres://user@host:port/database */
export function databaseAt(url: string): Database {
  const { hostname, port, username, pathname } = new URL(url);
  const secret = {
    host: hostname,
    port: Number(port),
    dbname: decodeURIComponent(pathname.slice(1)),
    username,
    password: '',
    sslmode: 'disable' as const,
  };
  return makeDatabase(async () => secret, { applicationName: 'load test', maxConnections: 4 });
}
