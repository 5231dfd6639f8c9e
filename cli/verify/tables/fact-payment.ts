import { type TableCheck, twoDecimals } from './table-check.ts';

export const factPayment: TableCheck = {
  table: 'fact_payment',
  sourceTables: ['payment'],
  columns: [
    'payment_id',
    'created_date',
    'created_time',
    'last_updated_date',
    'last_updated_time',
    'transaction_id',
    'counterparty_id',
    'payment_amount',
    'currency_id',
    'payment_type_id',
    'paid',
    'payment_date',
  ],
  sortKey: 'payment_id',
  isVersioned: true,
  // The payment date stays text: one that is no date equals no date of the warehouse, and nothing fails on it.
  expected: `
    select payment_id,
           created_at::date   as created_date,
           created_at::time   as created_time,
           last_updated::date as last_updated_date,
           last_updated::time as last_updated_time,
           transaction_id,
           counterparty_id,
           ${twoDecimals('payment_amount')},
           currency_id,
           payment_type_id,
           paid,
           payment_date
      from payment`,
  references: [
    { column: 'created_date', dimension: 'dim_date', key: 'date_id' },
    { column: 'last_updated_date', dimension: 'dim_date', key: 'date_id' },
    { column: 'transaction_id', dimension: 'dim_transaction', key: 'transaction_id' },
    { column: 'counterparty_id', dimension: 'dim_counterparty', key: 'counterparty_id' },
    { column: 'currency_id', dimension: 'dim_currency', key: 'currency_id' },
    { column: 'payment_type_id', dimension: 'dim_payment_type', key: 'payment_type_id' },
    { column: 'payment_date', dimension: 'dim_date', key: 'date_id' },
  ],
};
