import { data } from 'currency-codes';

/** Added to the standard after the list that the package holds. */
const laterNames = [
  ['XCG', 'Caribbean Guilder'],
  ['XAD', 'Arab Accounting Dinar'],
] as const;

// The agency's list has a space behind some of its names, and the package copies it.
const names = new Map<string, string>([
  ...data.map(({ code, currency }) => [code, currency.trim()] as const),
  ...laterNames,
]);

/**
 * The English name that ISO 4217 gives to a currency code, undefined for a code that it does not list.
 *
 * @example currencyNameOf('GBP') // 'Pound Sterling'
 */
export const currencyNameOf = (code: string): string | undefined => names.get(code);
