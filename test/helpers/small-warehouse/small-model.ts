import { dateOf, defineDimension, defineFact, int, timeOf, varchar } from '../../../shared/model/define.ts';
import { assembleModel, type Calendar, type Model } from '../../../shared/model/model.ts';
import { calendar } from '../models/calendar.ts';

const colour = defineDimension({
  name: 'dim_colour',
  source: { table: 'colour', key: ['colour_id'], columns: { colour_id: 'int4', name: 'varchar' } },
  key: ['colour_id'],
  columns: { colour_id: int('colour_id'), name: varchar('name') },
});

const shape = defineDimension({
  name: 'dim_shape',
  source: { table: 'shape', key: ['shape_id'], columns: { shape_id: 'int4', name: 'varchar?' } },
  key: ['shape_id'],
  columns: { shape_id: int('shape_id'), name: varchar('name', { nullable: true }) },
});

const sale = defineFact({
  name: 'fact_sale',
  source: {
    table: 'sale',
    key: ['sale_id'],
    columns: {
      sale_id: 'int4',
      colour_id: 'int4',
      shape_id: 'int4?',
      note: 'varchar',
      last_updated: 'timestamp',
    },
  },
  key: ['sale_id'],
  versions: ['last_updated_date', 'last_updated_time'],
  surrogateKey: 'sale_record_id',
  columns: {
    sale_id: int('sale_id'),
    last_updated_date: dateOf('last_updated'),
    last_updated_time: timeOf('last_updated'),
    colour_id: int('colour_id', { references: 'dim_colour' }),
    shape_id: int('shape_id', { nullable: true, references: 'dim_shape' }),
    note: varchar('note'),
  },
});

export const smallTables = [calendar, colour, shape, sale] as const;

/** Two dimensions and a fact that names both, one of them perhaps not. */
export const smallModel = assembleModel({ name: 'test', tables: smallTables });

/** The calendar of the model. */
export const smallCalendar = calendarOf(smallModel);

function calendarOf({ calendar }: Model): Calendar {
  if (calendar === undefined) throw new Error('the model has no calendar');
  return calendar;
}
