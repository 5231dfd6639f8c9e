import { defineDimension, int, varchar } from '../define.ts';

export const table = defineDimension({
  name: 'dim_payment_type',
  source: {
    table: 'payment_type',
    key: ['payment_type_id'],
    columns: {
      payment_type_id: 'int4',
      payment_type_name: 'varchar',
      created_at: 'timestamp',
      last_updated: 'timestamp',
    },
  },
  key: ['payment_type_id'],
  columns: {
    payment_type_id: int('payment_type_id'),
    payment_type_name: varchar('payment_type_name'),
  },
});
