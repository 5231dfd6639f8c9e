import type { TableCheck } from './table-check.ts';

export const dimTransaction: TableCheck = {
  table: 'dim_transaction',
  sourceTables: ['transaction'],
  columns: ['transaction_id', 'transaction_type', 'sales_order_id', 'purchase_order_id'],
  sortKey: 'transaction_id',
  expected: `select transaction_id, transaction_type, sales_order_id, purchase_order_id from transaction`,
};
