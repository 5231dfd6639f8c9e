import { describe, expect, it } from '@jest/globals';
import { defineDimension, int } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { currentViews } from '../../../shared/warehouse/current/current-view.ts';
import { totesys } from '../../helpers/models/totesys.ts';

const dimensionOf = (name: string) =>
  defineDimension({
    name,
    source: { table: name, key: ['id'], columns: { id: 'int4' } },
    key: ['id'],
    columns: { id: int('id') },
  });
const namesOf = (...tables: string[]) =>
  currentViews(assembleModel({ name: 'test', tables: tables.map(dimensionOf) }), 'public').map(
    ({ name }) => name,
  );

describe('the views of current rows', () => {
  it('are one for each table, the calendar among them', () => {
    expect(currentViews(totesys, 'public').map(({ name }) => name)).toEqual([
      'dim_date_current',
      'dim_counterparty_current',
      'dim_currency_current',
      'dim_design_current',
      'dim_location_current',
      'dim_payment_type_current',
      'dim_staff_current',
      'dim_transaction_current',
      'fact_payment_current',
      'fact_purchase_order_current',
      'fact_sales_order_current',
    ]);
  });

  it('leave the name of another table of the model to that table', () => {
    expect(namesOf('price', 'price_current')).toEqual(['price_current_current']);
  });

  it('are left out where Postgres would cut the name', () => {
    expect(namesOf('d'.repeat(55))).toEqual([`${'d'.repeat(55)}_current`]);
    expect(namesOf('d'.repeat(56))).toEqual([]);
    expect(namesOf('ü'.repeat(28))).toEqual([]);
  });
});
