import { defineIngestedOnly } from '../define.ts';

export const table = defineIngestedOnly({
  table: 'department',
  key: ['department_id'],
  columns: {
    department_id: 'int4',
    department_name: 'varchar',
    location: 'varchar?',
    manager: 'varchar?',
    created_at: 'timestamp',
    last_updated: 'timestamp',
  },
});
