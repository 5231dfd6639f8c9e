import { boolean, date, dateOf, defineFact, int, numeric, timeOf } from '../define.ts';

export const table = defineFact({
  name: 'fact_payment',
  source: {
    table: 'payment',
    key: 'payment_id',
    columns: {
      payment_id: 'int4',
      transaction_id: 'int4',
      counterparty_id: 'int4',
      payment_amount: 'numeric(12,2)',
      currency_id: 'int4',
      payment_type_id: 'int4',
      paid: 'bool',
      payment_date: 'varchar',
      company_ac_number: 'int4',
      counterparty_ac_number: 'int4',
      created_at: 'timestamp',
      last_updated: 'timestamp',
    },
  },
  key: 'payment_id',
  surrogateKey: 'payment_record_id',
  columns: {
    payment_id: int('payment_id'),
    created_date: dateOf('created_at'),
    created_time: timeOf('created_at'),
    last_updated_date: dateOf('last_updated'),
    last_updated_time: timeOf('last_updated'),
    transaction_id: int('transaction_id', { references: 'dim_transaction' }),
    counterparty_id: int('counterparty_id', { references: 'dim_counterparty' }),
    payment_amount: numeric(12, 2, 'payment_amount'),
    currency_id: int('currency_id', { references: 'dim_currency' }),
    payment_type_id: int('payment_type_id', { references: 'dim_payment_type' }),
    paid: boolean('paid'),
    payment_date: date('payment_date'),
  },
});
