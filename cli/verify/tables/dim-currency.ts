import { data } from 'currency-codes';
import type { TableCheck } from './table-check.ts';

/**
 * English names in ISO 4217, copied by hand from list one of the maintenance agency. They have the last word
 * over the package, which the pipeline takes its names from as well.
 *
 * @see https://www.six-group.com/en/products-services/financial-information/market-reference-data/data-standards.html
 */
const ownNames: Record<string, string> = {
  AUD: 'Australian Dollar',
  BRL: 'Brazilian Real',
  CAD: 'Canadian Dollar',
  CHF: 'Swiss Franc',
  CNY: 'Yuan Renminbi',
  CZK: 'Czech Koruna',
  DKK: 'Danish Krone',
  EUR: 'Euro',
  GBP: 'Pound Sterling',
  HKD: 'Hong Kong Dollar',
  HUF: 'Forint',
  IDR: 'Rupiah',
  ILS: 'New Israeli Sheqel',
  INR: 'Indian Rupee',
  JPY: 'Yen',
  KMF: 'Comorian Franc',
  KRW: 'Won',
  MXN: 'Mexican Peso',
  NOK: 'Norwegian Krone',
  NZD: 'New Zealand Dollar',
  PLN: 'Zloty',
  RON: 'Romanian Leu',
  SEK: 'Swedish Krona',
  SGD: 'Singapore Dollar',
  THB: 'Baht',
  TRY: 'Turkish Lira',
  USD: 'US Dollar',
  XAD: 'Arab Accounting Dinar',
  XCG: 'Caribbean Guilder',
  ZAR: 'Rand',
};

export const dimCurrency: TableCheck = {
  table: 'dim_currency',
  sourceTables: ['currency'],
  columns: ['currency_id', 'currency_code', 'currency_name'],
  sortKey: 'currency_id',
  expected: (isLate) => `
    select ${isLate('currency', ['currency'])} as is_late,
           currency_id,
           currency_code,
           null::text as currency_name
      from currency`,
  // A name that is sent to the source may hold a character that its encoding lacks: LATIN1 has none for the Pa’anga.
  complete: ([id = null, code = null]) => [id, code, nameOf(code)],
};

const names = new Map([
  ...data.map(({ code, currency }): [string, string] => [code, currency]),
  ...Object.entries(ownNames),
]);

const nameOf = (code: string | null): string | null => (code === null ? null : (names.get(code) ?? code));
