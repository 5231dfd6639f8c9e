import { defineDimension, int, varchar } from '../define.ts';

export const table = defineDimension({
  name: 'dim_location',
  source: {
    table: 'address',
    key: ['address_id'],
    columns: {
      address_id: 'int4',
      address_line_1: 'varchar',
      address_line_2: 'varchar?',
      district: 'varchar?',
      city: 'varchar',
      postal_code: 'varchar',
      country: 'varchar',
      phone: 'varchar',
      created_at: 'timestamp',
      last_updated: 'timestamp',
    },
  },
  key: ['location_id'],
  columns: {
    location_id: int('address_id'),
    address_line_1: varchar('address_line_1'),
    address_line_2: varchar('address_line_2', { nullable: true }),
    district: varchar('district', { nullable: true }),
    city: varchar('city'),
    postal_code: varchar('postal_code'),
    country: varchar('country'),
    phone: varchar('phone'),
  },
});
