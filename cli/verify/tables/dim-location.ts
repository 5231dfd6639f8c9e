import type { TableCheck } from './table-check.ts';

export const dimLocation: TableCheck = {
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
  expected: `
    select address_id as location_id, address_line_1, address_line_2, district, city, postal_code, country, phone
      from address`,
};
