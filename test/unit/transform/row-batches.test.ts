import { Readable } from 'node:stream';
import { expect, it } from '@jest/globals';
import type { RecordBatch } from 'apache-arrow';
import { rowBatches } from '../../../services/transformation/rows/row-batches.ts';
import { totesys } from '../../helpers/models/totesys.ts';

const written = { created_at: '2022-11-03T14:20:52', last_updated: '2022-11-03T14:20:52' };
const observer = { onBadRow: () => {}, onBatch: () => {}, onEnd: () => {} };
const firstValues = (batch: RecordBatch): Int32Array => batch.data.children[0]?.values;

it('frees the memory of its batches when nobody asks for another one', async () => {
  const table = totesys.table('dim_currency');
  if (table.kind !== 'dimension') throw new TypeError(`${table.name} is no dimension`);
  const lines = ['GBP', 'USD', 'EUR'].map((code, index) =>
    JSON.stringify({ currency_id: index + 1, currency_code: code, ...written }),
  );
  const seen: number[][] = [];
  let last: Int32Array | undefined;
  const target = { table, calendar: totesys.calendar };
  const batches = rowBatches(Readable.from([Buffer.from(lines.join('\n'))]), target, observer, {
    rowsPerBatch: 2,
  });
  for await (const batch of batches) {
    last = firstValues(batch);
    seen.push([...last]);
  }
  expect(seen).toEqual([[1, 2], [3]]);
  expect(last).toHaveLength(0);
});
