import { describe, expect, it } from '@jest/globals';
import { makeTallies } from '../../../cli/run/report/make-report.ts';
import { totesys } from '../../helpers/models/totesys.ts';

describe('makeTallies', () => {
  const ledger = [{ table: 'fact_payment', rows: 90, quarantined: 3, deleted: 2, runs: ['run b'] }];
  const waiting = [
    { table: 'fact_payment', run: 'run a', rows: 50 },
    { table: 'fact_payment', run: 'run b', rows: 20 },
    { table: 'fact_sales_order', run: 'run b', rows: 1 },
  ];
  const tallies = makeTallies(totesys, ledger, waiting, new Map([['fact_payment', 7]]));

  it('accounts for every row that was extracted: loaded, waiting, quarantined or failed', () => {
    expect(tallies.find(({ table }) => table === 'fact_payment')).toEqual({
      table: 'fact_payment',
      source: 'payment',
      extracted: 100,
      loaded: 70,
      waiting: 20,
      quarantined: 3,
      failed: 7,
      deleted: 2,
    });
  });

  it('has all eleven tables, those without anything new too', () => {
    expect(tallies).toHaveLength(11);
    for (const tally of tallies) {
      expect(tally.extracted).toBe(tally.loaded + tally.waiting + tally.quarantined + tally.failed);
    }
  });
});
