import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { countRowsInFlight } from '../../../../cli/status/evidence/rows-in-flight.ts';
import type { ObjectStore } from '../../../../shared/object-store/object-store.ts';
import { ensureWarehouse } from '../../../../shared/warehouse/ensure-warehouse.ts';
import { totesys } from '../../../helpers/models/totesys.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../../helpers/postgres/temporary-postgres.ts';

/** A bucket of objects that are their number of rows. */
function bucketOf(rows: Record<string, number>): ObjectStore {
  return {
    list: async function* (prefix: string, after = '') {
      for (const key of Object.keys(rows)) if (key.startsWith(prefix) && key > after) yield { key };
    },
    head: async (key: string) => ({ metadata: { rows: String(rows[key]) }, etag: '' }),
  } as unknown as ObjectStore;
}

const now = new Date('2026-03-05T00:10:00Z');
const ingested = (table: string, slice: string, day = '05') =>
  `${table}/2026/03/${day}/202603${day}T000100000Zabcd-${slice}.ndjson.zst`;
const processed = (table: string, slice: string, revision = 0) =>
  `${table}/2026/03/05/20260305T000100000Zabcd-${slice}-r${revision}.parquet`;

describe('rows in flight', () => {
  let server: PostgresServer;
  let warehouse: pg.Client;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    warehouse = new pg.Client({ connectionString: await server.createDatabase('warehouse') });
    await warehouse.connect();
    await ensureWarehouse(warehouse, totesys, { schema: 'public', foreignKeys: 'declared' });
    for (const [table, slice, revision] of [
      ['fact_payment', '0001', 0],
      ['fact_sales_order', '0004', 0],
    ] as const) {
      await warehouse.query(
        `insert into starlift.object (key, warehouse_table, run, slice, rows, quarantined, generation,
           snapshot_xmax, snapshot_xmin, tie, revision)
         values ($1, $2, '20260305T000100000Zabcd', $3, 10, 0, 1, 1, 1, 0, $4)`,
        [processed(table, slice, revision), table, slice, revision],
      );
    }
  });
  afterAll(async () => {
    await warehouse?.end();
    await server?.stop();
  });

  it('are those of objects without a ledger entry, except dead-lettered objects and those of past weeks', async () => {
    const stores = {
      ingested: bucketOf({
        [ingested('payment', '0001')]: 1,
        [ingested('payment', '0002')]: 20,
        [ingested('payment', '0003')]: 300,
        [ingested('payment', '0002', '04')]: 4000,
        // Older than any message that could still be on a queue.
        [ingested('payment', '0002', '01').replaceAll('/03/01/202603', '/02/01/202602')]: 50000,
        [ingested('department', '0009')]: 600000,
      }),
      processed: bucketOf({
        [processed('fact_payment', '0001')]: 1,
        // Its ingested object counts already.
        [processed('fact_payment', '0002')]: 20,
        // Transformed again, and not loaded yet.
        [processed('fact_sales_order', '0004', 1)]: 7,
        [processed('fact_sales_order', '0004')]: 7,
      }),
    };
    const deadKeys = new Set([ingested('payment', '0003')]);
    const counts = await countRowsInFlight(stores, warehouse, totesys, { deadKeys, now });
    expect(Object.fromEntries(counts)).toEqual({ fact_payment: 4020, fact_sales_order: 7 });
  });
});
