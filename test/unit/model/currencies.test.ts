import { describe, expect, it } from '@jest/globals';
import { data } from 'currency-codes';
import { totesysDefinition } from '../../helpers/models/totesys.ts';

const { currencies = {} } = totesysDefinition.lookups ?? {};
const currencyNameOf = (code: string) => new Map(Object.entries(currencies)).get(code);

describe('the lookup of currencies', () => {
  // From list one of ISO 4217.
  it.each([
    ['GBP', 'Pound Sterling'],
    ['USD', 'US Dollar'],
    ['EUR', 'Euro'],
    ['JPY', 'Yen'],
    ['CHF', 'Swiss Franc'],
    // The agency's own file has a space behind this one.
    ['KMF', 'Comorian Franc'],
    // Added to list one in 2025.
    ['XCG', 'Caribbean Guilder'],
    ['XAD', 'Arab Accounting Dinar'],
  ])('knows %s as %s', (code, name) => {
    expect(currencyNameOf(code)).toBe(name);
  });

  it('has no name that begins or ends with a space', () => {
    for (const { code } of data) expect(currencyNameOf(code)).toMatch(/^\S.*\S$/);
  });

  it.each(['ZZZ', 'gbp', '', 'GBP ', '__proto__'])('knows no name of %j', (code) => {
    expect(currencyNameOf(code)).toBeUndefined();
  });
});
