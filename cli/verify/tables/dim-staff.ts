import type { TableCheck } from './table-check.ts';

export const dimStaff: TableCheck = {
  table: 'dim_staff',
  sourceTables: ['staff', 'department'],
  columns: ['staff_id', 'first_name', 'last_name', 'department_name', 'location', 'email_address'],
  sortKey: 'staff_id',
  expected: `
    select s.staff_id, s.first_name, s.last_name, d.department_name, d.location, s.email_address
      from staff s
      left join department d on d.department_id = s.department_id`,
};
