/** fact_sales_order as somebody would make it by hand, and the SELECT that makes its rows of sales_order. */

export const factColumns = [
  ...['sales_order_id', 'created_date', 'created_time', 'last_updated_date', 'last_updated_time'],
  ...['sales_staff_id', 'counterparty_id', 'units_sold', 'unit_price', 'currency_id', 'design_id'],
  ...['agreed_payment_date', 'agreed_delivery_date', 'agreed_delivery_location_id'],
];

export const createFact = `
create table fact_sales_order (
  sales_record_id bigserial primary key,
  sales_order_id int not null,
  created_date date not null,
  created_time time not null,
  last_updated_date date not null,
  last_updated_time time not null,
  sales_staff_id int not null,
  counterparty_id int not null,
  units_sold int not null,
  unit_price numeric(10,2) not null,
  currency_id int not null,
  design_id int not null,
  agreed_payment_date date not null,
  agreed_delivery_date date not null,
  agreed_delivery_location_id int not null,
  unique (sales_order_id, last_updated_date, last_updated_time)
)`;

/** Nine: four to the calendar, five to the other dimensions. */
export const addForeignKeys = [
  ...[
    ['created_date', 'dim_date'],
    ['last_updated_date', 'dim_date'],
    ['agreed_payment_date', 'dim_date'],
  ],
  ...[
    ['agreed_delivery_date', 'dim_date'],
    ['sales_staff_id', 'dim_staff'],
    ['counterparty_id', 'dim_counterparty'],
  ],
  ...[
    ['currency_id', 'dim_currency'],
    ['design_id', 'dim_design'],
    ['agreed_delivery_location_id', 'dim_location'],
  ],
].map(([column, table]) => `alter table fact_sales_order add foreign key (${column}) references ${table}`);

const expressions = [
  ...['sales_order_id', 'created_at::date', 'created_at::time', 'last_updated::date', 'last_updated::time'],
  ...['staff_id', 'counterparty_id', 'units_sold', 'unit_price', 'currency_id', 'design_id'],
  ...['agreed_payment_date::date', 'agreed_delivery_date::date', 'agreed_delivery_location_id'],
];

/** The fact's rows, by the fact's names. */
export const selectFact = (where = 'true'): string =>
  `select ${expressions.map((expression, index) => `${expression} as ${factColumns[index]}`).join(', ')}
     from sales_order where ${where}`;

/** @param where all rows when left out */
export const copyFactOut = (where = 'true'): string =>
  `copy (${selectFact(where)}) to stdout (format binary)`;

export const copyFactIn = `copy fact_sales_order (${factColumns.join(', ')}) from stdin (format binary)`;

export const copySourceOut = 'copy sales_order to stdout';
