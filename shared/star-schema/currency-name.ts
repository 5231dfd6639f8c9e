import { data } from 'currency-codes';

/** Added to the standard after the list that the package holds. */
const laterNames = [
  ['XCG', 'Caribbean Guilder'],
  ['XAD', 'Arab Accounting Dinar'],
] as const;

// Some names of the agency's list end in a space, which the package copies.
const names = new Map<string, string>([
  ...data.map(({ code, currency }) => [code, currency.trim()] as const),
  ...laterNames,
]);

/**
 * The English name that ISO 4217 gives to a currency code; undefined for a code that is not in the list.
 *
 * @example currencyNameOf('GBP') // 'Pound Sterling'
 */
export const currencyNameOf = (code: string): string | undefined => names.get(code);
