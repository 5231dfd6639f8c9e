import { describe, expect, it } from '@jest/globals';
import { makeQuarantinedKeys } from '../../../cli/verify/quarantined-keys.ts';
import {
  type ColumnDefinition,
  defineCalendar,
  defineDimension,
  defineFact,
  int,
  type SourceType,
  varchar,
} from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';

const ofField = (
  type: ColumnDefinition['type'],
  field: string,
  kind: ColumnDefinition['from']['kind'] = 'field',
): ColumnDefinition => ({ type, from: { kind, field }, nullable: false });

const source = (moment: SourceType) => ({
  table: 'sale',
  key: ['shop', 'number'],
  columns: { number: 'int4', shop: 'varchar', price: 'numeric', at: moment, day: 'varchar' } as const,
});
const key = ['number', 'shop'];
const keyColumns = { number: int('number'), shop: varchar('shop') };
const calendar = defineCalendar({
  name: 'days',
  key: 'date_id',
  columns: { date_id: { type: { name: 'date' }, nullable: false } },
});

const modelOf = (moment: 'timestamp' | 'timestamptz') =>
  assembleModel({
    name: 'sales',
    tables: [
      calendar,
      defineDimension({
        name: 'dim_sale',
        source: source(moment),
        key: ['price'],
        columns: { price: ofField({ name: 'numeric', precision: 12, scale: 2 }, 'price') },
      }),
      defineFact({
        name: 'whole',
        source: source(moment),
        key,
        versions: ['at'],
        columns: { ...keyColumns, at: ofField({ name: moment }, 'at') },
      }),
      defineFact({
        name: 'split',
        source: source(moment),
        key,
        versions: ['at_date', 'at_time'],
        columns: {
          ...keyColumns,
          at_date: { ...ofField({ name: 'date' }, 'at', 'date of'), references: 'days' },
          at_time: ofField({ name: 'time' }, 'at', 'time of'),
          day: { ...ofField({ name: 'date' }, 'day', 'date'), references: 'days' },
        },
      }),
      defineFact({ name: 'latest', source: source(moment), key, versions: [], columns: keyColumns }),
    ],
  });

/** As a transform writes it: the source's key, and the row as it was extracted. */
const rowOf = (at: string, row?: null) => ({
  line: 1,
  key: ['a', 7],
  column: 'price',
  reason: 'is NaN',
  row:
    row === null
      ? null
      : `{"number":7,"shop":"a","price":10.50,"at":${JSON.stringify(at)},"day":"2024-03-01"}`,
});

describe('the keys in quarantine', () => {
  const keysOf = (table: string, at: string, moment: 'timestamp' | 'timestamptz' = 'timestamp', row?: null) =>
    makeQuarantinedKeys([{ table, rows: [rowOf(at, row)], dropped: [] }], modelOf(moment));

  it.each([
    ['whole', 'timestamp', '2024-02-28T10:00:00.5', '2024-02-28 10:00:00.5'],
    ['whole', 'timestamp', '0044-03-15T00:00:00 BC', '0044-03-15 00:00:00 BC'],
    ['whole', 'timestamp', 'infinity', 'infinity'],
    ['whole', 'timestamptz', '2024-02-28T10:00:00+00:00', '2024-02-28 10:00:00+00'],
    ['split', 'timestamp', '2024-02-28T10:00:00', '2024-02-28 10:00:00'],
    ['split', 'timestamptz', '2024-02-28T10:00:00.25+00:00', '2024-02-28 10:00:00.25'],
    ['split', 'timestamp', 'infinity', 'infinity'],
    ['latest', 'timestamp', '2024-02-28T10:00:00', ''],
  ] as const)('of %s tell versions by a %s of %s', (table, moment, at, version) => {
    const keys = keysOf(table, at, moment);
    expect(keys.has(table, ['7', 'a'], version)).toBe(true);
    expect(keys.has(table, ['a', '7'], version)).toBe(false);
    expect(keys.has(table, ['8', 'a'], version)).toBe(false);
    if (version !== '') expect(keys.has(table, ['7', 'a'], '2024-02-28 10:00:01')).toBe(false);
  });

  it('stand for every version where there was no room for the row', () => {
    expect(keysOf('whole', '', 'timestamp', null).has('whole', ['7', 'a'], '2024-02-28 10:00:01')).toBe(true);
  });

  it('are those of the warehouse where its key is another one than the source has, at its scale', () => {
    const keys = keysOf('dim_sale', '2024-02-28T10:00:00');
    expect(keys.has('dim_sale', '10.50', '')).toBe(true);
    expect(keys.has('dim_sale', '10.5', '')).toBe(true);
    expect(keys.has('dim_sale', '1050', '')).toBe(false);
    expect(keysOf('dim_sale', '', 'timestamp', null).has('dim_sale', '10.50', '')).toBe(false);
  });

  it('are those of the days that such a row names, too', () => {
    const keys = keysOf('split', '2024-02-28T10:00:00');
    expect(['2024-02-28', '2024-03-01', '2024-02-29'].map((day) => keys.has('days', day, ''))).toEqual([
      true,
      true,
      false,
    ]);
    expect(keysOf('latest', '2024-02-28T10:00:00').has('days', '2024-02-28', '')).toBe(false);
  });
});
