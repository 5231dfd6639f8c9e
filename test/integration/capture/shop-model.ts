import { defineIngestedOnly } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { calendar } from '../../helpers/models/calendar.ts';

export const shopDefinitions = [
  defineIngestedOnly({
    table: 'item',
    key: ['item_id'],
    columns: { item_id: 'int4', note: 'varchar?', price: 'numeric(10,2)?', last_updated: 'timestamp' },
  }),
  defineIngestedOnly({
    table: 'department',
    key: ['department_id'],
    columns: { department_id: 'int4', department_name: 'varchar', last_updated: 'timestamp' },
  }),
  defineIngestedOnly({
    table: 'staff',
    key: ['staff_id'],
    columns: { staff_id: 'int4', first_name: 'varchar', department_id: 'int4?', last_updated: 'timestamp' },
    joins: [
      {
        path: 'department',
        table: 'department',
        match: { department_id: 'department_id' },
        columns: { department_name: 'varchar' },
      },
    ],
  }),
];

/** A shop of three tables, one of them joined to another. */
export const shopModel = assembleModel({ name: 'test', tables: [{ ...calendar }, ...shopDefinitions] });

/** The same, with a column of each table that says when a row was changed. */
export const changedModel = assembleModel({
  name: 'test',
  tables: [
    { ...calendar },
    ...shopDefinitions.map((definition) => ({
      ...definition,
      source: { ...definition.source, changed: 'last_updated' },
    })),
  ],
});

/** Its tables, and the role that reads them with nothing but select. */
export const shopTables = `
  create table item (
    item_id int primary key, note varchar(2000), price numeric(10,2),
    last_updated timestamp not null default '2024-01-01 00:00:00.000001');
  create table department (
    department_id int primary key, department_name text not null,
    last_updated timestamp not null default '2024-01-01');
  create table staff (
    staff_id int primary key, first_name text not null, department_id int references department,
    last_updated timestamp not null default '2024-01-01');
  grant usage on schema public to reader;
  grant select on all tables in schema public to reader;
  alter default privileges in schema public grant select on tables to reader;`;

/** What the source holds of each table, by SQL of its own: a char(n) as text, which has no padding. Sorted by key. */
export const shopRows = {
  item: 'select item_id, note::text, price, last_updated from item order by item_id',
  department: 'select department_id, department_name, last_updated from department order by department_id',
  staff: `
    select staff_id, first_name, s.department_id, s.last_updated,
           d.department_name as "department.department_name"
      from staff s left join department d using (department_id)
     order by staff_id`,
};
