import { describe, expect, it } from '@jest/globals';
import { makeScheduledSweeps } from '../../../cli/run/watch-source.ts';

describe('the sweeps of a watch', () => {
  it('run every quarter of an hour, all three of them, and not in between', async () => {
    const ran: string[] = [];
    let minutes = 0;
    const sweepWhenDue = makeScheduledSweeps(
      { sweep: async (kind) => ran.push(`${minutes} ${kind}`) },
      () => minutes * 60_000,
    );
    for (; minutes <= 31; minutes++) await sweepWhenDue();
    expect(ran).toEqual([
      ...['15 extract', '15 transform', '15 load'],
      ...['30 extract', '30 transform', '30 load'],
    ]);
  });
});
