import { defineDimension, int, varchar } from '../define.ts';

export const table = defineDimension({
  name: 'dim_transaction',
  source: {
    table: 'transaction',
    key: ['transaction_id'],
    columns: {
      transaction_id: 'int4',
      transaction_type: 'varchar',
      sales_order_id: 'int4?',
      purchase_order_id: 'int4?',
      created_at: 'timestamp',
      last_updated: 'timestamp',
    },
  },
  key: ['transaction_id'],
  columns: {
    transaction_id: int('transaction_id'),
    transaction_type: varchar('transaction_type'),
    sales_order_id: int('sales_order_id', { nullable: true }),
    purchase_order_id: int('purchase_order_id', { nullable: true }),
  },
});
