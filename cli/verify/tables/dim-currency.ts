import { currencyNamesSql } from '../currency-names.ts';
import type { TableCheck } from '../table-check.ts';

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
