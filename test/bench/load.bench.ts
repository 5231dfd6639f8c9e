import pg from 'pg';
import { encodeCopyRows } from '../../services/loading/copy-binary/encode-rows.ts';
import { readParquet } from '../../shared/parquet/read-parquet.ts';
import { writeParquet } from '../../shared/parquet/write-parquet.ts';
import { copyIn } from '../../shared/postgres/copy-in.ts';
import { starSchema } from '../../shared/star-schema/star-schema.ts';
import { warehouseDdl } from '../../shared/warehouse/ddl.ts';
import { startTemporaryPostgres } from '../helpers/temporary-postgres.ts';
import { toBatch } from '../integration/load/parquet-objects.ts';

/** Where the time of a straight load of sales orders goes: `node test/bench/load.bench.ts`. */

const orders = 100_000;
const table = starSchema.table('fact_sales_order');
const columns = [...table.columns.map(({ name }) => name), '_object_id'].join(', ');
const rows = Array.from({ length: orders }, (_, order) => ({
  ...{
    sales_order_id: String(order),
    created_date: `2024-01-0${(order % 9) + 1}`,
    created_time: '10:11:12.123456',
  },
  ...{ last_updated_date: `2024-02-0${(order % 9) + 1}`, last_updated_time: '10:11:12.123456' },
  ...{
    sales_staff_id: String(order % 20),
    counterparty_id: String(order % 20),
    units_sold: String(order % 10_000),
  },
  ...{ unit_price: '12.34', currency_id: String(order % 3), design_id: String(order % 250) },
  ...{ agreed_payment_date: '2024-03-01', agreed_delivery_date: '2024-03-05' },
  agreed_delivery_location_id: String(order % 30),
}));
const parquet = await writeParquet(table, [toBatch(table, rows)]);

async function measure<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  const microseconds = ((performance.now() - started) * 1000) / orders;
  process.stdout.write(`${what.padEnd(40)} ${microseconds.toFixed(2)} us a row\n`);
  return result;
}

const server = await startTemporaryPostgres();
const client = new pg.Client({ connectionString: server.url() });
await client.connect();
const copyTo = (target: string) =>
  copyIn(client, `copy ${target} (${columns}) from stdin (format binary)`, encodeCopyRows(batches, '1'));
for (const statement of warehouseDdl(starSchema, {
  ...{ schema: 'public', foreignKeys: 'declared', serverVersion: 180_000 },
})) {
  await client.query(statement);
}
await client.query(`create temporary table staging as select ${columns} from fact_sales_order with no data`);

let batches = await readParquet(table, 'warm', parquet);
for (let round = 0; round < 3; round++) {
  batches = await measure('read Parquet', () => readParquet(table, 'key', parquet));
  await measure('encode', () => [...encodeCopyRows(batches, '1')].length);
  await measure('encode and copy to a table without index', () => copyTo('staging'));
  await measure('encode and copy to the fact table', () => copyTo('fact_sales_order'));
  await client.query('truncate staging, fact_sales_order');
}
await client.end();
await server.stop();
