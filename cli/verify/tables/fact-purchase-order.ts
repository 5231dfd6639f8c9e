import type { TableCheck } from '../table-check.ts';
import { twoDecimals } from '../two-decimals.ts';

export const factPurchaseOrder: TableCheck = {
  table: 'fact_purchase_order',
  sourceTables: ['purchase_order'],
  columns: [
    'purchase_order_id',
    'created_date',
    'created_time',
    'last_updated_date',
    'last_updated_time',
    'staff_id',
    'counterparty_id',
    'item_code',
    'item_quantity',
    'item_unit_price',
    'currency_id',
    'agreed_delivery_date',
    'agreed_payment_date',
    'agreed_delivery_location_id',
  ],
  sortKey: 'purchase_order_id',
  isVersioned: true,
  // The agreed dates stay text: one that is no date equals no date of the warehouse, and nothing fails on it.
  expected: `
    select purchase_order_id,
           created_at::date   as created_date,
           created_at::time   as created_time,
           last_updated::date as last_updated_date,
           last_updated::time as last_updated_time,
           staff_id,
           counterparty_id,
           item_code,
           item_quantity,
           ${twoDecimals('item_unit_price')},
           currency_id,
           agreed_delivery_date,
           agreed_payment_date,
           agreed_delivery_location_id
      from purchase_order`,
  references: [
    { column: 'created_date', dimension: 'dim_date', key: 'date_id' },
    { column: 'last_updated_date', dimension: 'dim_date', key: 'date_id' },
    { column: 'staff_id', dimension: 'dim_staff', key: 'staff_id' },
    { column: 'counterparty_id', dimension: 'dim_counterparty', key: 'counterparty_id' },
    { column: 'currency_id', dimension: 'dim_currency', key: 'currency_id' },
    { column: 'agreed_delivery_date', dimension: 'dim_date', key: 'date_id' },
    { column: 'agreed_payment_date', dimension: 'dim_date', key: 'date_id' },
    { column: 'agreed_delivery_location_id', dimension: 'dim_location', key: 'location_id' },
  ],
};
