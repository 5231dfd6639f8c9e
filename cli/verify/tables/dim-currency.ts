import { data } from 'currency-codes';
import pg from 'pg';
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
  expected: `
    select c.currency_id,
           c.currency_code,
           coalesce(iso.name, c.currency_code) as currency_name
      from currency c
      left join (values ${currencyNamesSql()}) as iso (code, name) on iso.code = c.currency_code`,
};

/** Every known currency as rows for an SQL `values` list: (code, name). */
function currencyNamesSql(): string {
  const names = new Map(data.map(({ code, currency }) => [code, currency]));
  for (const [code, name] of Object.entries(ownNames)) names.set(code, name);
  return [...names].map((pair) => `(${pair.map(pg.escapeLiteral).join(', ')})`).join(', ');
}
