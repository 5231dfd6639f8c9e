import { describe, expect, it } from '@jest/globals';
import { currencyNameOf } from '../../../shared/star-schema/currency-name.ts';

describe('currencyNameOf', () => {
  // From list one of ISO 4217.
  it.each([
    ['GBP', 'Pound Sterling'],
    ['USD', 'US Dollar'],
    ['EUR', 'Euro'],
    ['JPY', 'Yen'],
    ['CHF', 'Swiss Franc'],
  ])('knows %s as %s', (code, name) => {
    expect(currencyNameOf(code)).toBe(name);
  });

  it.each(['ZZZ', 'gbp', '', 'GBP ', '__proto__'])('knows no name of %j', (code) => {
    expect(currencyNameOf(code)).toBeUndefined();
  });
});
