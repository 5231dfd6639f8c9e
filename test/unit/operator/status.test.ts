import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { describeWait, groupWaits } from '../../../cli/operator/describe-waits.ts';
import type { FailureGroup } from '../../../cli/operator/list-failures.ts';
import { printStatus } from '../../../cli/status/print-status.ts';
import { readPlanRecords, timeOfRun } from '../../../cli/status/read-plan.ts';
import type { Status } from '../../../cli/status/status.ts';
import { listTroubles, type TroubleFacts } from '../../../cli/status/troubles.ts';
import { makeTerminal } from '../../../cli/terminal.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';

const target = { selector: ' --data d' };
const nothing: TroubleFacts = {
  ...{ failures: [], missingTables: [], failing: new Map(), quarantined: new Map(), waiting: [] },
  refused: [],
  isBusy: false,
};

describe('what needs a hand', () => {
  it('is nothing where nothing is wrong', () => {
    expect(listTroubles(nothing, target)).toEqual([]);
  });

  it('comes with the command that mends it, what others depend on first', () => {
    const troubles = listTroubles(
      {
        ...nothing,
        missingTables: ['dim_staff'],
        failing: new Map([['currency', 'public.currency has no column currency_code']]),
        quarantined: new Map([['fact_payment', 1200]]),
      },
      target,
    );
    expect(troubles.map(({ text, command }) => [text, command])).toEqual([
      ['the warehouse has no table dim_staff any more', 'npx starlift replay --table dim_staff --data d'],
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
      ...{
        table: 'currency',
        queue: 'extract',
        error: 'TerminalError',
        reason: 'gone',
        count: 2,
        attempts: 1,
      },
      ...{ firstSeen: '', lastSeen: '', redrive: 'npx …', messages: [] },
    };
    const facts = { ...nothing, failures: [failure], failing: new Map([['currency', 'gone']]) };
    expect(listTroubles(facts, target)).toEqual([
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
      listTroubles({ ...nothing, waiting, isBusy }, target).map(({ text }) => text);
    expect(textsOf(false)).toHaveLength(2);
    expect(textsOf(true)).toEqual([
      expect.stringContaining('dim_currency 2, which the source does not have'),
    ]);
  });

  it('names the first dimension rows that a fact waits for, and counts the rest', () => {
    const wait = { table: 'fact_payment', column: 'currency_id', dimension: 'dim_currency', mend: '' };
    const waits = ['1', '2', '3', '4', '5', '6', '7'].map((key) => ({
      ...{ ...wait, key, rows: 1000, cause: 'expected' as const },
    }));
    const [group, ...others] = groupWaits([...waits, { ...wait, key: '8', rows: 1, cause: 'deleted' }]);
    expect(group && describeWait(group)).toBe(
      '7,000 rows of fact_payment wait for dim_currency 1, 2, 3, 4, 5 and 2 more, which has not landed yet',
    );
    expect(others.map(describeWait)).toEqual([
      '1 row of fact_payment waits for dim_currency 8, which the source does not have: it cannot come',
    ]);
  });
});

describe('the records of plans', () => {
  const storeOf = (objects: Record<string, unknown>) =>
    ({
      get: async (key: string) =>
        key in objects
          ? { body: Buffer.from(JSON.stringify(objects[key])), metadata: {}, etag: '' }
          : undefined,
      list: async function* (prefix: string) {
        for (const key of Object.keys(objects).filter((each) => each.startsWith(prefix))) {
          yield { key, size: 1, lastModified: new Date('2026-03-05T10:00:00Z') };
        }
      },
    }) as unknown as Pick<ObjectStore, 'get' | 'list'>;

  it('tell the last run, however long ago it was, its warnings and the tables that fail', async () => {
    const objects = {
      'state/capture.json': { tables: { staff: { fingerprint: 'f' }, design: { failed: 'no such table' } } },
      'state/runs/20250101T000000000Z0001.json': { slices: [1], warnings: [] },
      'state/runs/20250102T000000000Z0002.json': { slices: [1, 2], warnings: ['a column'] },
    };
    for (const now of ['2025-01-02T00:30:00Z', '2025-01-05T00:00:00Z', '2026-03-05T12:00:00Z']) {
      expect(await readPlanRecords(storeOf(objects), new Date(now))).toEqual({
        plannedAt: new Date('2026-03-05T10:00:00Z'),
        failing: new Map([['design', 'no such table']]),
        lastRun: { run: '20250102T000000000Z0002', slices: 2, warnings: ['a column'] },
      });
    }
  });

  it('are empty before the first plan', async () => {
    expect(await readPlanRecords(storeOf({}), new Date())).toEqual({
      ...{ plannedAt: undefined, failing: new Map(), lastRun: undefined },
    });
  });

  it('carry the time of their plan in the id of the run', () => {
    expect(timeOfRun('20260305T174209123Zab12').toISOString()).toBe('2026-03-05T17:42:09.123Z');
  });
});

describe('the screen of status', () => {
  const status: Status = {
    ...{ ok: true, plannedAt: '2026-03-05T10:00:00.000Z', deadLetters: [], waiting: [], troubles: [] },
    refused: [],
    run: {
      ...{ run: '20260305T095959000Zab12', plannedAt: '2026-03-05T09:59:59.000Z', slices: 2, loaded: 1234 },
      warnings: ['public.design has columns that the model does not take: colour'],
    },
    tables: [
      {
        ...{
          table: 'dim_design',
          source: 'design',
          objects: 1,
          rows: 1250,
          loadedAt: '2026-03-05T10:00:01.000Z',
        },
        ...{ run: 'r', snapshotAt: '2026-03-05T10:00:00.000Z', lagSeconds: 7260 },
        ...{ inFlight: 3, waiting: 0, quarantined: 0, deadLetters: 0 },
      },
    ],
    queues: [
      {
        ...{ queue: 'load', ready: 1, inFlight: 2, oldestSeconds: 95, deadLetters: 4 },
        oldestDeadLetterSeconds: 200_000,
      },
    ],
  };
  const screenOf = (shown: Status) => {
    const output = new PassThrough();
    printStatus(shown, makeTerminal(output, output, false));
    return String(output.read()).split('\n');
  };

  it('shows tables, queues, the last run with its warnings, and the verdict', () => {
    const lines = screenOf(status).map((line) => line.trimEnd());
    expect(lines).toContain(
      ' dim_design | 2026-03-05 10:00:00 |       2 h ago | 1,250 |         3 |       0 |           0 |            0',
    );
    expect(lines).toContain(' load  |     1 |         2 |   95 s |            4 |                2 d');
    expect(lines).toContain(
      'Last run with changes: 20260305T095959000Zab12, 2026-03-05 09:59:59 UTC, 2 slices, 1,234 rows loaded.',
    );
    expect(lines).toContain('warning: public.design has columns that the model does not take: colour');
    expect(lines.at(-2)).toBe('Nothing needs a hand.');
  });

  it('says how to begin where nothing has been loaded, and what needs a hand with its command', () => {
    const trouble = {
      kind: 'failed',
      table: 'staff',
      text: 'staff failed',
      command: 'npx starlift redrive',
    } as const;
    const lines = screenOf({ ...status, ok: false, tables: [], run: null, troubles: [trouble] });
    expect(lines[0]).toBe('Nothing has been loaded yet: npm start begins.');
    expect(lines.slice(-4)).toEqual([
      '! staff failed',
      '    npx starlift redrive',
      'Something needs a hand.',
      '',
    ]);
  });
});
