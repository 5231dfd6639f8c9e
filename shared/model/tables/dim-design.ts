import { defineDimension, int, varchar } from '../define.ts';

export const table = defineDimension({
  name: 'dim_design',
  source: {
    table: 'design',
    key: ['design_id'],
    columns: {
      design_id: 'int4',
      design_name: 'varchar',
      file_location: 'varchar',
      file_name: 'varchar',
      created_at: 'timestamp',
      last_updated: 'timestamp',
    },
  },
  key: ['design_id'],
  columns: {
    design_id: int('design_id'),
    design_name: varchar('design_name'),
    file_location: varchar('file_location'),
    file_name: varchar('file_name'),
  },
});
