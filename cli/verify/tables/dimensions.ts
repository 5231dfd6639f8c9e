import type { TableCheck } from './table-check.ts';

/** Those that need SQL alone; `dim_currency` and `dim_date` have files of their own. */
export const dimensionChecks: readonly TableCheck[] = [
  {
    table: 'dim_counterparty',
    sourceTables: ['counterparty', 'address'],
    columns: [
      'counterparty_id',
      'counterparty_legal_name',
      'counterparty_legal_address_line_1',
      'counterparty_legal_address_line_2',
      'counterparty_legal_district',
      'counterparty_legal_city',
      'counterparty_legal_postal_code',
      'counterparty_legal_country',
      'counterparty_legal_phone_number',
    ],
    sortKey: 'counterparty_id',
    expected: (isLate) => `
    select ${isLate('counterparty', ['c', 'a'])} as is_late,
           c.counterparty_id,
           c.counterparty_legal_name,
           a.address_line_1 as counterparty_legal_address_line_1,
           a.address_line_2 as counterparty_legal_address_line_2,
           a.district       as counterparty_legal_district,
           a.city           as counterparty_legal_city,
           a.postal_code    as counterparty_legal_postal_code,
           a.country        as counterparty_legal_country,
           a.phone          as counterparty_legal_phone_number
      from counterparty c
      left join address a on a.address_id = c.legal_address_id`,
  },
  {
    table: 'dim_design',
    sourceTables: ['design'],
    columns: ['design_id', 'design_name', 'file_location', 'file_name'],
    sortKey: 'design_id',
    expected: (isLate) => `
    select ${isLate('design', ['design'])} as is_late, design_id, design_name, file_location, file_name from design`,
  },
  {
    table: 'dim_location',
    sourceTables: ['address'],
    columns: [
      'location_id',
      'address_line_1',
      'address_line_2',
      'district',
      'city',
      'postal_code',
      'country',
      'phone',
    ],
    sortKey: 'location_id',
    expected: (isLate) => `
    select ${isLate('address', ['address'])} as is_late,
           address_id as location_id, address_line_1, address_line_2, district, city, postal_code, country, phone
      from address`,
  },
  {
    table: 'dim_payment_type',
    sourceTables: ['payment_type'],
    columns: ['payment_type_id', 'payment_type_name'],
    sortKey: 'payment_type_id',
    expected: (isLate) => `
    select ${isLate('payment_type', ['payment_type'])} as is_late, payment_type_id, payment_type_name
      from payment_type`,
  },
  {
    table: 'dim_staff',
    sourceTables: ['staff', 'department'],
    columns: ['staff_id', 'first_name', 'last_name', 'department_name', 'location', 'email_address'],
    sortKey: 'staff_id',
    expected: (isLate) => `
    select ${isLate('staff', ['s', 'd'])} as is_late,
           s.staff_id, s.first_name, s.last_name, d.department_name, d.location, s.email_address
      from staff s
      left join department d on d.department_id = s.department_id`,
  },
  {
    table: 'dim_transaction',
    sourceTables: ['transaction'],
    columns: ['transaction_id', 'transaction_type', 'sales_order_id', 'purchase_order_id'],
    sortKey: 'transaction_id',
    expected: (isLate) => `
    select ${isLate('transaction', ['transaction'])} as is_late,
           transaction_id, transaction_type, sales_order_id, purchase_order_id
      from transaction`,
  },
];
