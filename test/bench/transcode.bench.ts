import { makeTranscoder } from '../../services/ingestion/transcode/transcoder.ts';

/** How fast a sales order's COPY text becomes NDJSON: `node test/bench/transcode.bench.ts`. */

const transcoder = makeTranscoder([
  { name: 'sales_order_id', kind: 'number' },
  { name: 'created_at', kind: 'timestamp' },
  { name: 'last_updated', kind: 'timestamp' },
  { name: 'design_id', kind: 'number' },
  { name: 'staff_id', kind: 'number' },
  { name: 'counterparty_id', kind: 'number' },
  { name: 'units_sold', kind: 'number' },
  { name: 'unit_price', kind: 'number' },
  { name: 'currency_id', kind: 'number' },
  { name: 'agreed_delivery_date', kind: 'string' },
  { name: 'agreed_payment_date', kind: 'string' },
  { name: 'agreed_delivery_location_id', kind: 'number' },
]);
const rows = Array.from({ length: 590 }, (_, order) =>
  [
    ...[10_000 + order, '2022-11-03 14:20:52.186123', '2022-11-03 14:20:52.186'],
    ...[order % 250, 16, 18, 84_754, '2.43', 3, '2022-11-10', '2022-11-03', 4],
  ].join('\t'),
);
const chunk = Buffer.from(`${rows.join('\n')}\n`);

for (let round = 0; round < 6; round++) {
  const started = performance.now();
  const pushes = 2_000;
  for (let push = 0; push < pushes; push++) transcoder.push(chunk);
  const megabytesPerSecond = (chunk.length * pushes) / 1e3 / (performance.now() - started);
  process.stdout.write(`${megabytesPerSecond.toFixed(0)} MB/s of input\n`);
}
