import { describe, expect, it } from '@jest/globals';
import { findUnknownTables, parseExpireAfter } from '../../../shared/expire-after.ts';

const read = (text: string) => {
  const parsed = parseExpireAfter(text);
  return parsed && [parsed.others, Object.fromEntries(parsed.tables)];
};

describe('expireAfterDays', () => {
  it('has days for all tables, for one by its name, or both', () => {
    expect(read('')).toEqual([undefined, {}]);
    expect(read('31')).toEqual([31, {}]);
    expect(read('payment=400,crm.client=90')).toEqual([undefined, { payment: 400, 'crm.client': 90 }]);
    expect(read('800,payment=400')).toEqual([800, { payment: 400 }]);
    expect(read('payment=400,800')).toEqual([800, { payment: 400 }]);
  });

  it.each([
    ...['30', 'payment=30', '0', '800d', '1e3', '-40', ' 800', '800, payment=400', ',', '800,', '=400'],
    ...['payment', 'payment=', 'payment=400,payment=500', '800,900', 'payment: 400', '0800', '10000000'],
  ])('is not "%s"', (text) => {
    expect(read(text)).toBeUndefined();
  });

  it('tells which of its tables a model does not have', () => {
    const parsed = parseExpireAfter('800,payment=400,paiment=90');
    expect(parsed && findUnknownTables(parsed, [{ name: 'payment' }, { name: 'staff' }])).toEqual([
      'paiment',
    ]);
  });
});
