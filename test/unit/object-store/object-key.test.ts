import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TerminalError } from '../../../shared/errors.ts';
import {
  formatObjectKey,
  formatQuarantineKey,
  formatRunId,
  type ObjectKey,
  parseObjectKey,
} from '../../../shared/object-store/object-key.ts';

const run = fc
  .tuple(
    fc.date({ min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true }),
    fc.stringMatching(/^[0-9a-f]{4}$/),
  )
  .map(([startedAt, tie]) => formatRunId(startedAt, tie));
const slice = fc.stringMatching(/^\d{4,6}(\.[01]){0,3}$/);
const table = fc.string({ minLength: 1, unit: 'grapheme' }).filter((name) => name.isWellFormed());
const key: fc.Arbitrary<ObjectKey> = fc.oneof(
  fc.record({ zone: fc.constant('ingested' as const), table, run, slice }),
  fc.record({ zone: fc.constant('processed' as const), table, run, slice, revision: fc.nat(999) }),
);

describe('object keys', () => {
  it('are what the design shows', () => {
    const run = formatRunId(new Date('2026-11-23T22:15:00.123Z'), '1f3a');
    expect(formatObjectKey({ zone: 'ingested', table: 'sales_order', run, slice: '0007' })).toBe(
      'sales_order/2026/11/23/20261123T221500123Z1f3a-0007.ndjson.zst',
    );
    const processed = {
      zone: 'processed',
      table: 'fact_sales_order',
      run,
      slice: '0007',
      revision: 2,
    } as const;
    expect(formatObjectKey(processed)).toBe(
      'fact_sales_order/2026/11/23/20261123T221500123Z1f3a-0007-r2.parquet',
    );
    expect(formatQuarantineKey(processed)).toBe(
      'quarantine/fact_sales_order/2026/11/23/20261123T221500123Z1f3a-0007-r2.ndjson',
    );
  });

  it('are read back as they were formatted, whatever the table is called', () => {
    fc.assert(
      fc.property(key, (key) => {
        const text = formatObjectKey(key);
        expect(parseObjectKey(text)).toEqual(key);
        expect(text.split('/')).toHaveLength(5);
        expect(text.split('/')[0]).not.toMatch(/^\.*$/);
      }),
    );
  });

  it.each([
    '',
    'sales_order/2026/11/23/x-0001.ndjson.zst',
    'state/capture.json',
    'sales_order/2026/11/22/20261123T221500123Z1f3a-0007.ndjson.zst',
    'sales_order/2026/11/23/20261123T221500123Z1f3a-0007.parquet',
    'quarantine/sales_order/2026/11/23/20261123T221500123Z1f3a-0007-r0.parquet',
    '%zz/2026/11/23/20261123T221500123Z1f3a-0007.ndjson.zst',
  ])('refuse %j by name', (text) => {
    expect(() => parseObjectKey(text)).toThrow(TerminalError);
    expect(() => parseObjectKey(text)).toThrow(expect.objectContaining({ key: text }));
  });
});
