import { describe, expect, it } from '@jest/globals';
import { starSchema } from '../../../shared/star-schema/star-schema.ts';
import { findLost, isTransformed, type SweepFacts } from '../../../shared/sweep/find-lost.ts';

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

  it('passes over what is no object of ours', () => {
    const stray = ['payment/holiday.jpg', 'payment/2024/02/28/20240229T235959999Z00af-0001.ndjson.zst', 'x%'];
    const objects = stray.map((text) => ({ key: text, size: 1, lastModified: at(0) }));
    expect(findLost(objects, facts())).toEqual([]);
  });
});

describe('isTransformed', () => {
  const run = '20240229T235959999Z00af';
  const processed = (table: string) => `${table}/2024/02/29/${run}-0001-r0.parquet`;
  // From the design: address feeds nothing but dim_location by itself; department ends at ingested.
  it.each([
    ['address', [], false],
    ['address', ['dim_location'], true],
    ['payment', ['dim_date'], false],
    ['payment', ['dim_date', 'fact_payment'], true],
    ['department', [], true],
  ])('of %s with %j is %s', (table, tables, expected) => {
    const keys = new Set(tables.map(processed));
    expect(isTransformed({ table, run, slice: '0001' }, keys, starSchema)).toBe(expected);
  });
});
