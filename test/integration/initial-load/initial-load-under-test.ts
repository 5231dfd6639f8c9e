import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import type { LoadResult } from '../../../services/loading/load/load.ts';
import type { ProcessedKey } from '../../../shared/object-store/object-key.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { type ObjectFacts, runOf } from '../../helpers/small-warehouse/parquet-objects.ts';
import { smallModel } from '../../helpers/small-warehouse/small-model.ts';
import { red, round } from '../../helpers/small-warehouse/small-rows.ts';
import { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';

const run = runOf(100);

/** A warehouse whose dimensions are there, and whose fact waits for its initial load. */
export class InitialLoad {
  readonly warehouse: WarehouseUnderTest;
  readonly url: string;

  private constructor(warehouse: WarehouseUnderTest, url: string) {
    this.warehouse = warehouse;
    this.url = url;
  }

  static async make(url: string): Promise<InitialLoad> {
    const warehouse = await WarehouseUnderTest.make(url, smallModel, { deferKeys: true });
    await warehouse.putAndLoad('dim_colour', { rows: [red], xmax: 1 });
    await warehouse.putAndLoad('dim_shape', { rows: [round], xmax: 1 });
    return new InitialLoad(warehouse, url);
  }

  /** Says of which slices the run is. */
  plan(slices: string[], { full = true, table = 'sale' } = {}): void {
    this.warehouse.runs.set(run, {
      slices: slices.map((slice) => ({ slice, table, full })),
    });
  }

  put(slice: string, rows: ObjectFacts['rows'], facts: Partial<ObjectFacts> = {}): Promise<ProcessedKey> {
    return this.warehouse.put('fact_sale', { rows, slice, run, ...facts });
  }

  async load(...slice: Parameters<InitialLoad['put']>): Promise<LoadResult> {
    return this.warehouse.load(await this.put(...slice));
  }

  /** The fact's keys, as Postgres' catalog has them, the primary one first. */
  async keys(): Promise<(string | null | undefined)[]> {
    const rows = await this.warehouse.ask(`
      select (select array_agg(attname order by k.nth) from unnest(conkey) with ordinality k (num, nth)
              join pg_attribute on attrelid = conrelid and attnum = k.num) as columns
      from pg_constraint where conrelid = 'fact_sale'::regclass and contype in ('p', 'u') order by contype`);
    return rows.map(({ columns }) => columns);
  }

  sales() {
    return this.warehouse.ask('select sale_id, note from fact_sale order by sale_id, note');
  }
}

export const allKeys = ['{sale_record_id}', '{sale_id,last_updated_date,last_updated_time}'];

/** Gives each test of the describe that it is called in one of its own, all on one server. */
export function initialLoadInEachTest(take: (initial: InitialLoad) => void): void {
  let server: PostgresServer;
  let made: InitialLoad | undefined;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    made = await InitialLoad.make(await server.createDatabase(`w${randomUUID()}`));
    take(made);
  });
  afterEach(() => made?.warehouse.end());
}
