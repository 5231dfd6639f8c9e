/** A source of a few rows, and the exact copy of it that a warehouse must hold: both written by hand. */

export const sourceSql = `
create table address (address_id int primary key, address_line_1 varchar not null, address_line_2 varchar,
  district varchar, city varchar not null, postal_code varchar not null, country varchar not null,
  phone varchar not null, created_at timestamp not null, last_updated timestamp not null);
create table counterparty (counterparty_id int primary key, counterparty_legal_name varchar not null,
  legal_address_id int not null, commercial_contact varchar, delivery_contact varchar,
  created_at timestamp not null, last_updated timestamp not null);
create table currency (currency_id int primary key, currency_code varchar(3) not null,
  created_at timestamp not null, last_updated timestamp not null);
create table department (department_id int primary key, department_name varchar not null, location varchar,
  manager varchar, created_at timestamp not null, last_updated timestamp not null);
create table staff (staff_id int primary key, first_name varchar not null, last_name varchar not null,
  department_id int not null, email_address varchar not null,
  created_at timestamp not null, last_updated timestamp not null);
create table design (design_id int primary key, design_name varchar not null, file_location varchar not null,
  file_name varchar not null, created_at timestamp not null, last_updated timestamp not null);
create table payment_type (payment_type_id int primary key, payment_type_name varchar not null,
  created_at timestamp not null, last_updated timestamp not null);
create table transaction (transaction_id int primary key, transaction_type varchar not null, sales_order_id int,
  purchase_order_id int, created_at timestamp not null, last_updated timestamp not null);
create table sales_order (sales_order_id int primary key, design_id int not null, staff_id int not null,
  counterparty_id int not null, units_sold int not null, unit_price numeric(10,2) not null,
  currency_id int not null, agreed_delivery_date varchar(10) not null, agreed_payment_date varchar(10) not null,
  agreed_delivery_location_id int not null, created_at timestamp not null, last_updated timestamp not null);
create table purchase_order (purchase_order_id int primary key, staff_id int not null,
  counterparty_id int not null, item_code varchar not null, item_quantity int not null,
  item_unit_price numeric(10,2) not null, currency_id int not null, agreed_delivery_date varchar(10) not null,
  agreed_payment_date varchar(10) not null, agreed_delivery_location_id int not null,
  created_at timestamp not null, last_updated timestamp not null);
create table payment (payment_id int primary key, transaction_id int not null, counterparty_id int not null,
  payment_amount numeric(12,2) not null, currency_id int not null, payment_type_id int not null,
  paid boolean not null, payment_date varchar(10) not null, company_ac_number int not null,
  counterparty_ac_number int not null, created_at timestamp not null, last_updated timestamp not null);

insert into address values
  (1, '1 High St', null, '', 'Leeds', 'LS1 1AA', 'UK', '0113 1', '2024-01-01', '2024-01-01'),
  (15, 'Flat "B", (rear)', 'a\\b', 'Kyoto 京都', 'X', '', 'Japan', '+81 😀', '2024-01-01', '2024-01-01');
insert into counterparty values (3, 'Fahey and Sons', 15, 'Micheal Toy', null, '2024-01-01', '2024-01-01');
insert into currency values (1, 'GBP', '2024-01-01', '2024-01-01'), (2, 'XQZ', '2024-01-01', '2024-01-01');
insert into department values (4, 'Sales', null, 'Ann', '2024-01-01', '2024-01-01');
insert into staff values (-1, 'Zoë', '', 4, 'z@x.org', '2024-01-01', '2024-01-01');
insert into design values (7, 'Wooden', '/usr', 'wooden.json', '2024-01-01', '2024-01-01');
insert into payment_type values (1, 'SALES_RECEIPT', '2024-01-01', '2024-01-01');
insert into transaction values (9, 'SALE', 2, null, '2024-02-28', '2024-02-28'),
  (10, 'PURCHASE', null, 5, '2024-02-28', '2024-02-28');
insert into sales_order values
  (2, 7, -1, 3, 100, 3.90, 1, '2024-03-01', '2024-02-29', 15, '2024-02-28 14:20:52.186', '2024-02-28 14:20:52.186001'),
  (10, 7, -1, 3, 1, 99999999.99, 2, '2024-03-01', '2024-02-29', 1, '2024-02-28 00:00:00', '2024-02-29 23:59:59.999999');
insert into purchase_order values
  (5, -1, 3, 'ABC', 6, 0.10, 1, '2024-03-01', '2024-03-01', 15, '2024-02-28 10:00:00', '2024-02-28 10:00:00');
insert into payment values
  (0, 9, 3, 552548.62, 1, 1, false, '2024-02-29', 11, 22, '2024-02-28 10:00:00.5', '2024-02-28 10:00:00.5'),
  (1, 10, 3, 0.60, 2, 1, true, '2024-03-01', 11, 22, '2024-02-28 11:00:00', '2024-02-28 11:00:00');
`;

export const warehouseSql = `
create table dim_date (date_id date, year int, month int, day int, day_of_week int, day_name varchar,
  month_name varchar, quarter int, _object_id int8);
create table dim_location (location_id int, address_line_1 varchar, address_line_2 varchar, district varchar,
  city varchar, postal_code varchar, country varchar, phone varchar, _object_id int8);
create table dim_counterparty (counterparty_id int, counterparty_legal_name varchar,
  counterparty_legal_address_line_1 varchar, counterparty_legal_address_line_2 varchar,
  counterparty_legal_district varchar, counterparty_legal_city varchar, counterparty_legal_postal_code varchar,
  counterparty_legal_country varchar, counterparty_legal_phone_number varchar, _object_id int8);
create table dim_currency (currency_id int, currency_code varchar, currency_name varchar, _object_id int8);
create table dim_staff (staff_id int, first_name varchar, last_name varchar, department_name varchar,
  location varchar, email_address varchar, _object_id int8);
create table dim_design (design_id int, design_name varchar, file_location varchar, file_name varchar,
  _object_id int8);
create table dim_payment_type (payment_type_id int, payment_type_name varchar, _object_id int8);
create table dim_transaction (transaction_id int, transaction_type varchar, sales_order_id int,
  purchase_order_id int, _object_id int8);
create table fact_sales_order (sales_record_id bigserial primary key, sales_order_id int, created_date date,
  created_time time, last_updated_date date, last_updated_time time, sales_staff_id int, counterparty_id int,
  units_sold int, unit_price numeric(10,2), currency_id int, design_id int, agreed_payment_date date,
  agreed_delivery_date date, agreed_delivery_location_id int);
create table fact_purchase_order (purchase_record_id bigserial primary key, purchase_order_id int,
  created_date date, created_time time, last_updated_date date, last_updated_time time, staff_id int,
  counterparty_id int, item_code varchar, item_quantity int, item_unit_price numeric(10,2), currency_id int,
  agreed_delivery_date date, agreed_payment_date date, agreed_delivery_location_id int);
create table fact_payment (payment_record_id bigserial primary key, payment_id int, created_date date,
  created_time time, last_updated_date date, last_updated_time time, transaction_id int, counterparty_id int,
  payment_amount numeric(12,2), currency_id int, payment_type_id int, paid boolean, payment_date date);

insert into dim_date values
  ('2024-02-28', 2024, 2, 28, 3, 'Wednesday', 'February', 1),
  ('2024-02-29', 2024, 2, 29, 4, 'Thursday', 'February', 1),
  ('2024-03-01', 2024, 3, 1, 5, 'Friday', 'March', 1),
  -- no fact names it: the calendar is filled around the facts
  ('2024-12-29', 2024, 12, 29, 7, 'Sunday', 'December', 4);
insert into dim_location values
  (1, '1 High St', null, '', 'Leeds', 'LS1 1AA', 'UK', '0113 1'),
  (15, 'Flat "B", (rear)', 'a\\b', 'Kyoto 京都', 'X', '', 'Japan', '+81 😀');
insert into dim_counterparty values
  (3, 'Fahey and Sons', 'Flat "B", (rear)', 'a\\b', 'Kyoto 京都', 'X', '', 'Japan', '+81 😀');
insert into dim_currency values (1, 'GBP', 'Pound Sterling'), (2, 'XQZ', 'XQZ');
insert into dim_staff values (-1, 'Zoë', '', 'Sales', null, 'z@x.org');
insert into dim_design values (7, 'Wooden', '/usr', 'wooden.json');
insert into dim_payment_type values (1, 'SALES_RECEIPT');
insert into dim_transaction values (9, 'SALE', 2, null), (10, 'PURCHASE', null, 5);
insert into fact_sales_order values
  -- an older version of order 2, which stays
  (default, 2, '2024-02-28', '14:20:52.186', '2024-02-28', '14:20:52.186', -1, 3, 90, 3.90, 1, 7,
   '2024-02-29', '2024-03-01', 15),
  (default, 10, '2024-02-28', '00:00:00', '2024-02-29', '23:59:59.999999', -1, 3, 1, 99999999.99, 2, 7,
   '2024-02-29', '2024-03-01', 1),
  (default, 2, '2024-02-28', '14:20:52.186', '2024-02-28', '14:20:52.186001', -1, 3, 100, 3.90, 1, 7,
   '2024-02-29', '2024-03-01', 15);
insert into fact_purchase_order values
  (default, 5, '2024-02-28', '10:00:00', '2024-02-28', '10:00:00', -1, 3, 'ABC', 6, 0.10, 1,
   '2024-03-01', '2024-03-01', 15);
insert into fact_payment values
  (default, 0, '2024-02-28', '10:00:00.5', '2024-02-28', '10:00:00.5', 9, 3, 552548.62, 1, 1, false, '2024-02-29'),
  (default, 1, '2024-02-28', '11:00:00', '2024-02-28', '11:00:00', 10, 3, 0.60, 2, 1, true, '2024-03-01');
`;

/** Rows of every table, in the order of the report. */
export const expectedRows = {
  dim_counterparty: 1,
  dim_currency: 2,
  dim_date: 3,
  dim_design: 1,
  dim_location: 2,
  dim_payment_type: 1,
  dim_staff: 1,
  dim_transaction: 2,
  fact_payment: 2,
  fact_purchase_order: 1,
  fact_sales_order: 2,
};

/** What a report counts of them where nothing differs. */
export const cleanCounts = Object.entries(expectedRows).map(([table, rows]) => ({
  table,
  asOf: null,
  expected: rows,
  found: rows,
  late: 0,
  waiting: 0,
  quarantined: 0,
  missing: 0,
  deleted: 0,
  kept: 0,
  undeleted: 0,
  extra: 0,
  marked: 0,
  doubled: 0,
  different: 0,
  dangling: 0,
}));
