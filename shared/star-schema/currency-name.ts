import { data } from 'currency-codes';

const names = new Map(data.map(({ code, currency }) => [code, currency]));

/**
 * The English name that ISO 4217 gives to a currency code, undefined for a code that it does not list.
 *
 * @example currencyNameOf('GBP') // 'Pound Sterling'
 */
export const currencyNameOf = (code: string): string | undefined => names.get(code);
