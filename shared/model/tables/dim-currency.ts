import { currencyName, defineDimension, int, varchar } from '../define.ts';

export const table = defineDimension({
  name: 'dim_currency',
  source: {
    table: 'currency',
    key: ['currency_id'],
    columns: {
      currency_id: 'int4',
      currency_code: 'varchar',
      created_at: 'timestamp',
      last_updated: 'timestamp',
    },
  },
  key: ['currency_id'],
  columns: {
    currency_id: int('currency_id'),
    currency_code: varchar('currency_code'),
    currency_name: currencyName('currency_code'),
  },
});
