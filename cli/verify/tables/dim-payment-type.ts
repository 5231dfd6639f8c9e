import type { TableCheck } from './table-check.ts';

export const dimPaymentType: TableCheck = {
  table: 'dim_payment_type',
  sourceTables: ['payment_type'],
  columns: ['payment_type_id', 'payment_type_name'],
  sortKey: 'payment_type_id',
  expected: `select payment_type_id, payment_type_name from payment_type`,
};
