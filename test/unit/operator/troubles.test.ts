import { describe, expect, it } from '@jest/globals';
import type { FailureGroup } from '../../../cli/failures/list-failures.ts';
import { listTroubles, type TroubleFacts } from '../../../cli/status/troubles.ts';
import { describeWait, groupWaits } from '../../../cli/waiting/explain-waits.ts';

const site = { selector: ' --data d' };
const nothing: TroubleFacts = {
  failures: [],
  missingTables: [],
  failing: new Map(),
  quarantined: new Map(),
  waiting: [],
  refused: [],
  isBusy: false,
};

describe('what needs attention', () => {
  it('is nothing where nothing is wrong', () => {
    expect(listTroubles(nothing, site)).toEqual([]);
  });

  it('comes with the command that mends it, what others depend on first', () => {
    const troubles = listTroubles(
      {
        ...nothing,
        missingTables: ['dim_staff'],
        failing: new Map([['currency', 'public.currency has no column currency_code']]),
        quarantined: new Map([['fact_payment', 1200]]),
      },
      site,
    );
    expect(troubles.map(({ text, command }) => [text, command])).toEqual([
      ['the warehouse no longer has the table dim_staff', 'npx starlift replay --table dim_staff --data d'],
      [
        'currency cannot be extracted: public.currency has no column currency_code',
        'npx starlift run --data d',
      ],
      [
        '1,200 rows of fact_payment broke the contract',
        'npx starlift quarantine --table fact_payment --data d',
      ],
    ]);
  });

  it('names a table that cannot be extracted once, by its dead letter', () => {
    const failure: FailureGroup = {
      table: 'currency',
      queue: 'extract',
      error: 'TerminalError',
      reason: 'gone',
      count: 2,
      attempts: 1,
      firstSeen: '',
      lastSeen: '',
      redrive: 'npx …',
      mend: 'npx …',
      messages: [],
    };
    const facts = { ...nothing, failures: [failure], failing: new Map([['currency', 'gone']]) };
    expect(listTroubles(facts, site)).toEqual([
      {
        kind: 'failed',
        table: 'currency',
        text: 'currency failed in extract: gone (2 messages)',
        command: 'npx …',
      },
    ]);
  });

  it('is no fact that waits for what may be under way', () => {
    const wait = {
      table: 'fact_payment',
      column: 'currency_id',
      dimension: 'dim_currency',
      rows: 1,
      mend: '',
    };
    const waiting = [
      { ...wait, key: '1', cause: 'expected' as const },
      { ...wait, key: '2', cause: 'deleted' as const },
    ];
    const textsOf = (isBusy: boolean) =>
      listTroubles({ ...nothing, waiting, isBusy }, site).map(({ text }) => text);
    expect(textsOf(false)).toHaveLength(2);
    expect(textsOf(true)).toEqual([
      expect.stringContaining('dim_currency 2, which the source does not have'),
    ]);
  });

  it('names the first dimension rows that a fact waits for, and counts the rest', () => {
    const wait = { table: 'fact_payment', column: 'currency_id', dimension: 'dim_currency', mend: '' };
    const waits = ['1', '2', '3', '4', '5', '6', '7'].map((key) => ({
      ...wait,
      key,
      rows: 1000,
      cause: 'expected' as const,
    }));
    const [group, ...others] = groupWaits([...waits, { ...wait, key: '8', rows: 1, cause: 'deleted' }]);
    expect(group && describeWait(group)).toBe(
      '7,000 rows of fact_payment wait for dim_currency 1, 2, 3, 4, 5 and 2 more, which has not landed yet',
    );
    expect(others.map(describeWait)).toEqual([
      '1 row of fact_payment waits for dim_currency 8, which the source does not have: it can never arrive',
    ]);
  });
});
