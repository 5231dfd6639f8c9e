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
