import { describe, expect, it } from '@jest/globals';
import {
  collectProcessed,
  findLost,
  isTransformed,
  type SweepFacts,
} from '../../../shared/sweep/find-lost.ts';
import { totesys } from '../../helpers/models/totesys.ts';

const key = (table: string, slice: string) =>
  `${table}/2024/02/29/20240229T235959999Z00af-${slice}.ndjson.zst`;
const at = (minute: number) => new Date(Date.UTC(2024, 2, 1, 0, minute));
const object = (slice: string, minute = 0, table = 'payment') => ({
  key: key(table, slice),
  size: 1,
  lastModified: at(minute),
});
const facts = (some: Partial<SweepFacts> = {}): SweepFacts => ({
  isFollowed: () => false,
  deadKeys: new Set(),
  before: at(30),
  queued: 0,
  ...some,
});

describe('findLost', () => {
  it('takes what nobody followed, the oldest first', () => {
    const isFollowed: SweepFacts['isFollowed'] = ({ slice }) => slice === '0002';
    expect(
      findLost([object('0001', 9), object('0002', 1), object('0003', 2)], facts({ isFollowed })),
    ).toEqual([key('payment', '0003'), key('payment', '0001')]);
  });

  it('leaves what may be on its way, and what is dead-lettered', () => {
    const deadKeys = new Set([key('payment', '0003')]);
    expect(
      findLost([object('0001', 30), object('0002', 29), object('0003', 1)], facts({ deadKeys })),
    ).toEqual([key('payment', '0002')]);
  });

  it('sends nothing while the queue may hold all that is missing', () => {
    const objects = [object('0001'), object('0002'), object('0003')];
    expect(findLost(objects, facts({ queued: 3 }))).toEqual([]);
    expect(findLost(objects, facts({ queued: 2 }))).toHaveLength(3);
  });

  it('passes over an object with another key format', () => {
    const stray = ['payment/holiday.jpg', 'payment/2024/02/28/20240229T235959999Z00af-0001.ndjson.zst', 'x%'];
    const objects = stray.map((text) => ({ key: text, size: 1, lastModified: at(0) }));
    expect(findLost(objects, facts())).toEqual([]);
  });
});

describe('isTransformed', () => {
  const run = '20240229T235959999Z00af';
  const processed = (table: string, rest = '0001-r0') => `${table}/2024/02/29/${run}-${rest}.parquet`;
  // From the design: address feeds nothing but dim_location by itself; department ends at ingested.
  it.each([
    ['address', [], false],
    ['address', ['dim_location'], true],
    ['payment', ['dim_date'], false],
    ['payment', ['dim_date', 'fact_payment'], true],
    ['department', [], true],
  ])('of %s with %j is %s', (table, tables, expected) => {
    const made = collectProcessed(tables.map((name) => ({ key: processed(name) })));
    expect(isTransformed({ table, run, slice: '0001' }, made, totesys)).toBe(expected);
  });

  const twofold = { sources: [{ name: 'payment', feeds: ['fact_payment', 'dim_payment'] }] } as never;
  it.each([
    ['a later revision alone', ['fact_payment 0001-r1', 'dim_payment 0001-r1'], true],
    ['one of the clock', ['fact_payment 0001-r206000000', 'dim_payment 0001-r0'], true],
    ['different revisions', ['fact_payment 0001-r0', 'dim_payment 0001-r3'], true],
    ['one table of two', ['fact_payment 0001-r0', 'fact_payment 0001-r1'], false],
    ['another slice', ['fact_payment 0001-r1', 'dim_payment 0002-r1'], false],
    ['a half of the slice', ['fact_payment 0001-r1', 'dim_payment 0001.0-r1'], false],
    ['an object that is not an extract', ['fact_payment 0001-r1', 'dim_payment 0001-rx'], false],
  ])('of a source that feeds two tables, with %s', (_what, made, expected) => {
    const objects = made.map((each) => {
      const [table = '', rest = ''] = each.split(' ');
      return { key: processed(table, rest) };
    });
    const slice = { table: 'payment', run, slice: '0001' };
    expect(isTransformed(slice, collectProcessed(objects), twofold)).toBe(expected);
  });
});
