import type { TableCheck } from './table-check.ts';

export const dimDesign: TableCheck = {
  table: 'dim_design',
  sourceTables: ['design'],
  columns: ['design_id', 'design_name', 'file_location', 'file_name'],
  sortKey: 'design_id',
  expected: `select design_id, design_name, file_location, file_name from design`,
};
