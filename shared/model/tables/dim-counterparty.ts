import { defineDimension, int, varchar } from '../define.ts';

export const table = defineDimension({
  name: 'dim_counterparty',
  source: {
    table: 'counterparty',
    key: ['counterparty_id'],
    columns: {
      counterparty_id: 'int4',
      counterparty_legal_name: 'varchar',
      legal_address_id: 'int4',
      commercial_contact: 'varchar?',
      delivery_contact: 'varchar?',
      created_at: 'timestamp',
      last_updated: 'timestamp',
    },
    joins: [
      {
        path: 'address',
        table: 'address',
        match: { legal_address_id: 'address_id' },
        columns: {
          address_line_1: 'varchar',
          address_line_2: 'varchar?',
          district: 'varchar?',
          city: 'varchar',
          postal_code: 'varchar',
          country: 'varchar',
          phone: 'varchar',
        },
      },
    ],
  },
  key: ['counterparty_id'],
  columns: {
    counterparty_id: int('counterparty_id'),
    counterparty_legal_name: varchar('counterparty_legal_name'),
    counterparty_legal_address_line_1: varchar('address.address_line_1'),
    counterparty_legal_address_line_2: varchar('address.address_line_2', { nullable: true }),
    counterparty_legal_district: varchar('address.district', { nullable: true }),
    counterparty_legal_city: varchar('address.city'),
    counterparty_legal_postal_code: varchar('address.postal_code'),
    counterparty_legal_country: varchar('address.country'),
    counterparty_legal_phone_number: varchar('address.phone'),
  },
});
