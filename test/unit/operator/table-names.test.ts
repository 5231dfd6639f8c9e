import { describe, expect, it } from '@jest/globals';
import { hasTable, parseTable } from '../../../cli/options/named-tables.ts';
import { parseWaitingSelection } from '../../../cli/waiting/waiting-rows.ts';
import { totesys } from '../../helpers/models/totesys.ts';

describe('--table', () => {
  it('stands for a source table and what is made of it, by either name', () => {
    const both = { sources: ['payment'], tables: ['fact_payment'] };
    expect(parseTable('payment', totesys)).toEqual(both);
    expect(parseTable('fact_payment', totesys)).toEqual(both);
    expect(parseTable('address', totesys)).toEqual({ sources: ['address'], tables: ['dim_location'] });
    expect(parseTable('department', totesys)).toEqual({ sources: ['department'], tables: [] });
    expect(parseTable('dim_date', totesys)).toEqual({ sources: [], tables: ['dim_date'] });
  });

  it('has neither other tables nor what names none', () => {
    const payment = parseTable('payment', totesys);
    expect(
      ['payment', 'fact_payment', 'payment_type', undefined].map((name) => hasTable(payment, name)),
    ).toEqual([...[true, true, false, false]]);
  });

  it('of waiting rows is a fact, or the dimension that facts wait for', () => {
    const select = (name?: string) => {
      const { facts, dimension } = parseWaitingSelection(name, totesys);
      return { facts: facts.map((fact) => fact.name), dimension: dimension?.name };
    };
    const facts = ['fact_payment', 'fact_purchase_order', 'fact_sales_order'];
    expect(select()).toEqual({ facts, dimension: undefined });
    expect(select('payment')).toEqual({ facts: ['fact_payment'], dimension: undefined });
    expect(select('staff')).toEqual({ facts, dimension: 'dim_staff' });
  });
});
