import { defineCalendar } from '../../../shared/model/define.ts';

/** The calendar of models that tests make. */
export const calendar = defineCalendar({
  name: 'dim_date',
  key: 'date_id',
  columns: {
    date_id: { type: { name: 'date' }, nullable: false },
    year: { type: { name: 'int' }, nullable: false },
    month: { type: { name: 'int' }, nullable: false },
    day: { type: { name: 'int' }, nullable: false },
    day_of_week: { type: { name: 'int' }, nullable: false },
    day_name: { type: { name: 'varchar' }, nullable: false },
    month_name: { type: { name: 'varchar' }, nullable: false },
    quarter: { type: { name: 'int' }, nullable: false },
  },
});
