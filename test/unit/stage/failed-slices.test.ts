import { describe, expect, it } from '@jest/globals';
import { findFailedSlices } from '../../../cli/site/stage/follow-slices.ts';

const run = '20261125T120000000Zabcd';
const folder = '2026/11/25';
const s3Event = (key: string) =>
  JSON.stringify({ Records: [{ s3: { bucket: { name: 'b' }, object: { key } } }] });

describe('the slices of dead letters', () => {
  it('are those of their messages on the extract queue', () => {
    const body = JSON.stringify({ run, slice: '0001.0', table: 'payment', version: 1 });
    const failed = findFailedSlices([{ queue: 'extract', body, key: `failed/${run}-0001.0.json` }]);
    expect(failed.has('payment', { run, slice: '0001.0' })).toBe(true);
    expect(failed.hasPart({ run, slice: '0001' })).toBe(true);
  });

  it('are those of the objects that handlers have named', () => {
    const failed = findFailedSlices([
      { queue: 'transform', body: 'cut off', key: `payment/${folder}/${run}-0002.ndjson.zst` },
      { queue: 'load', body: '', key: `fact_payment/${folder}/${run}-0003-r0.parquet` },
    ]);
    expect(failed.has('payment', { run, slice: '0002' })).toBe(true);
    expect(failed.has('fact_payment', { run, slice: '0003' })).toBe(true);
  });

  it('are those that the message names where the handler died on every attempt', () => {
    const body = s3Event(`dim_design/${folder}/${run}-0004-r2.parquet`);
    const failed = findFailedSlices([{ queue: 'load', body }]);
    expect(failed.has('dim_design', { run, slice: '0004' })).toBe(true);
  });

  it('are none for what names no slice', () => {
    const letters = ['not JSON', '{}', 'null', s3Event('holiday.jpg')].flatMap((body) =>
      (['extract', 'transform', 'load'] as const).map((queue) => ({ queue, body })),
    );
    expect(() => findFailedSlices(letters)).not.toThrow();
  });
});
