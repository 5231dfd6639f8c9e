import { defineDimension, int, varchar } from '../define.ts';

export const table = defineDimension({
  name: 'dim_staff',
  source: {
    table: 'staff',
    key: ['staff_id'],
    columns: {
      staff_id: 'int4',
      first_name: 'varchar',
      last_name: 'varchar',
      department_id: 'int4',
      email_address: 'varchar',
      created_at: 'timestamp',
      last_updated: 'timestamp',
    },
    joins: [
      {
        path: 'department',
        table: 'department',
        match: { department_id: 'department_id' },
        columns: { department_name: 'varchar', location: 'varchar?' },
      },
    ],
  },
  key: ['staff_id'],
  columns: {
    staff_id: int('staff_id'),
    first_name: varchar('first_name'),
    last_name: varchar('last_name'),
    department_name: varchar('department.department_name'),
    location: varchar('department.location', { nullable: true }),
    email_address: varchar('email_address'),
  },
});
