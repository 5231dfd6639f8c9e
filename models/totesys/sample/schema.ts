import type pg from 'pg';

/** Makes the Totesys tables with their keys, without rows, all or none. */
export async function createShopSchema(client: pg.Client): Promise<void> {
  // One message of several statements is one transaction.
  await client.query(CREATE_TABLES + CREATE_KEYS);
}

/** The tables of the Totesys schema without their keys, which come after the rows: so it is faster. */
export const CREATE_TABLES = `
create table address (
  address_id integer not null,
  address_line_1 varchar not null,
  address_line_2 varchar,
  district varchar,
  city varchar not null,
  postal_code varchar not null,
  country varchar not null,
  phone varchar not null,
  created_at timestamp not null default current_timestamp,
  last_updated timestamp not null default current_timestamp
);

create table counterparty (
  counterparty_id integer not null,
  counterparty_legal_name varchar not null,
  legal_address_id integer not null,
  commercial_contact varchar,
  delivery_contact varchar,
  created_at timestamp not null default current_timestamp,
  last_updated timestamp not null default current_timestamp
);

create table currency (
  currency_id integer not null,
  currency_code varchar(3) not null,
  created_at timestamp not null default current_timestamp,
  last_updated timestamp not null default current_timestamp
);

create table department (
  department_id integer not null,
  department_name varchar not null,
  location varchar,
  manager varchar,
  created_at timestamp not null default current_timestamp,
  last_updated timestamp not null default current_timestamp
);

create table staff (
  staff_id integer not null,
  first_name varchar not null,
  last_name varchar not null,
  department_id integer not null,
  email_address varchar not null,
  created_at timestamp not null default current_timestamp,
  last_updated timestamp not null default current_timestamp
);

create table design (
  design_id integer not null,
  design_name varchar not null,
  file_location varchar not null,
  file_name varchar not null,
  created_at timestamp not null default current_timestamp,
  last_updated timestamp not null default current_timestamp
);

create table payment_type (
  payment_type_id integer not null,
  payment_type_name varchar not null,
  created_at timestamp not null default current_timestamp,
  last_updated timestamp not null default current_timestamp
);

create table purchase_order (
  purchase_order_id integer not null,
  staff_id integer not null,
  counterparty_id integer not null,
  item_code varchar not null,
  item_quantity integer not null,
  item_unit_price numeric(10,2) not null,
  currency_id integer not null,
  agreed_delivery_date varchar(10) not null,
  agreed_payment_date varchar(10) not null,
  agreed_delivery_location_id integer not null,
  created_at timestamp not null default current_timestamp,
  last_updated timestamp not null default current_timestamp
);

create table sales_order (
  sales_order_id integer not null,
  design_id integer not null,
  staff_id integer not null,
  counterparty_id integer not null,
  units_sold integer not null,
  unit_price numeric(10,2) not null,
  currency_id integer not null,
  agreed_delivery_date varchar(10) not null,
  agreed_payment_date varchar(10) not null,
  agreed_delivery_location_id integer not null,
  created_at timestamp not null default current_timestamp,
  last_updated timestamp not null default current_timestamp
);

create table transaction (
  transaction_id integer not null,
  transaction_type varchar not null,
  sales_order_id integer,
  purchase_order_id integer,
  created_at timestamp not null default current_timestamp,
  last_updated timestamp not null default current_timestamp
);

create table payment (
  payment_id integer not null,
  transaction_id integer not null,
  counterparty_id integer not null,
  payment_amount numeric(12,2) not null,
  currency_id integer not null,
  payment_type_id integer not null,
  paid boolean not null,
  payment_date varchar(10) not null,
  company_ac_number integer not null,
  counterparty_ac_number integer not null,
  created_at timestamp not null default current_timestamp,
  last_updated timestamp not null default current_timestamp
);

create table _prisma_migrations (
  id varchar(36) primary key,
  migration_name varchar not null,
  finished_at timestamptz
);
insert into _prisma_migrations
values ('7b0f2a54-3d0e-4c55-9d0a-61c1f0f6a2b8', '20240819101500_open_the_shop', '2024-08-19 10:15:03.217+00');
`;

/** The foreign keys of the Totesys schema, each to the primary key of the table that it names. */
const REFERENCES: Record<string, Record<string, string>> = {
  address: {},
  counterparty: { legal_address_id: 'address' },
  currency: {},
  department: {},
  staff: { department_id: 'department' },
  design: {},
  payment_type: {},
  purchase_order: {
    staff_id: 'staff',
    counterparty_id: 'counterparty',
    currency_id: 'currency',
    agreed_delivery_location_id: 'address',
  },
  sales_order: {
    design_id: 'design',
    staff_id: 'staff',
    counterparty_id: 'counterparty',
    currency_id: 'currency',
    agreed_delivery_location_id: 'address',
  },
  transaction: { sales_order_id: 'sales_order', purchase_order_id: 'purchase_order' },
  payment: {
    transaction_id: 'transaction',
    counterparty_id: 'counterparty',
    currency_id: 'currency',
    payment_type_id: 'payment_type',
  },
};

/** The names of the tables that hold the shop's data. */
export const TABLE_NAMES = Object.keys(REFERENCES);

/** Adds every table's primary key, then every foreign key: one statement and so one lock a table. */
export const CREATE_KEYS = [
  ...TABLE_NAMES.map((table) => `alter table ${table} add primary key (${table}_id);`),
  ...Object.entries(REFERENCES).flatMap(([table, references]) => addForeignKeys(table, references)),
].join('\n');

function addForeignKeys(table: string, references: Record<string, string>): string[] {
  const keys = Object.entries(references).map(
    ([column, to]) => `add foreign key (${column}) references ${to}`,
  );
  return keys.length === 0 ? [] : [`alter table ${table} ${keys.join(', ')};`];
}
