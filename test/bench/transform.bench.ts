import { zstdCompressSync } from 'node:zlib';
import { decompress } from '../../services/transformation/read-ingested.ts';
import { rowBatches } from '../../services/transformation/rows/row-batches.ts';
import { transformRows } from '../../services/transformation/transform-rows.ts';
import { starSchema } from '../../shared/star-schema/star-schema.ts';

/** How fast an ingested object of sales orders becomes Parquet: `node test/bench/transform.bench.ts`. */

const table = starSchema.table('fact_sales_order');
if (table.kind !== 'fact') throw new Error('no fact');
const rows = 200_000;

const day = (index: number) =>
  new Date(1_667_000_000_000 + ((index * 7_919_000) % 31_536_000_000)).toISOString();

const lines = Array.from({ length: rows }, (_, order) =>
  JSON.stringify({
    sales_order_id: order,
    design_id: order % 250,
    staff_id: order % 20,
    counterparty_id: order % 20,
    units_sold: (order * 7919) % 100_000,
    unit_price: 2.43,
    currency_id: order % 3,
    agreed_delivery_date: day(order).slice(0, 10),
    agreed_payment_date: day(order + 1).slice(0, 10),
    agreed_delivery_location_id: order % 30,
    created_at: day(order).slice(0, 23),
    last_updated: `${day(order).slice(0, 20)}${100_001 + (order % 899_998)}`,
  }),
);
const text = Buffer.from(`${lines.join('\n')}\n`);
const object = {
  key: { zone: 'ingested', table: 'sales_order', run: '20240229T235959999Z00af', slice: '0001' },
  metadata: { version: { generation: '1', xmax: '1', xmin: '1', tie: '0' }, rows },
  body: zstdCompressSync(text),
} as const;

const ignore = { onBadRow() {}, onBatch() {}, onEnd() {} };

async function timed(what: string, work: () => Promise<unknown>): Promise<void> {
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1000;
  const rate = `${(text.length / 2 ** 20 / seconds).toFixed(0)} MiB/s`;
  console.log(`${what.padEnd(12)} ${(seconds * 1000).toFixed(0).padStart(6)} ms  ${rate}`);
}

async function drain(chunks: AsyncIterable<unknown>): Promise<void> {
  for await (const _chunk of chunks);
}

for (let round = 0; round < 4; round++) {
  await timed('decompress', () => drain(decompress(object)));
  await timed('scan', () => drain(rowBatches(decompress(object), table, ignore)));
  await timed('transform', () => transformRows(decompress(object), table, starSchema.calendar));
}
await timed('row reader', () => drain(rowBatches(decompress(object), table, ignore, { scan: false })));
console.log(
  `largest memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB, the lines of this script included`,
);
