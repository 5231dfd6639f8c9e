import type { TableCheck } from '../table-check.ts';
import { twoDecimals } from '../two-decimals.ts';

export const factSalesOrder: TableCheck = {
  table: 'fact_sales_order',
  sourceTables: ['sales_order'],
  columns: [
    'sales_order_id',
    'created_date',
    'created_time',
    'last_updated_date',
    'last_updated_time',
    'sales_staff_id',
    'counterparty_id',
    'units_sold',
    'unit_price',
    'currency_id',
    'design_id',
    'agreed_payment_date',
    'agreed_delivery_date',
    'agreed_delivery_location_id',
  ],
  sortKey: 'sales_order_id',
  isVersioned: true,
  // The agreed dates stay text: one that is no date equals no date of the warehouse, and nothing fails on it.
  expected: `
    select sales_order_id,
           created_at::date   as created_date,
           created_at::time   as created_time,
           last_updated::date as last_updated_date,
           last_updated::time as last_updated_time,
           staff_id           as sales_staff_id,
           counterparty_id,
           units_sold,
           ${twoDecimals('unit_price')},
           currency_id,
           design_id,
           agreed_payment_date,
           agreed_delivery_date,
           agreed_delivery_location_id
      from sales_order`,
  references: [
    { column: 'created_date', dimension: 'dim_date', key: 'date_id' },
    { column: 'last_updated_date', dimension: 'dim_date', key: 'date_id' },
    { column: 'sales_staff_id', dimension: 'dim_staff', key: 'staff_id' },
    { column: 'counterparty_id', dimension: 'dim_counterparty', key: 'counterparty_id' },
    { column: 'currency_id', dimension: 'dim_currency', key: 'currency_id' },
    { column: 'design_id', dimension: 'dim_design', key: 'design_id' },
    { column: 'agreed_payment_date', dimension: 'dim_date', key: 'date_id' },
    { column: 'agreed_delivery_date', dimension: 'dim_date', key: 'date_id' },
    { column: 'agreed_delivery_location_id', dimension: 'dim_location', key: 'location_id' },
  ],
};
