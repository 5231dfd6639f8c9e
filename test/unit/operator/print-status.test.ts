import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { printStatus } from '../../../cli/status/print-status.ts';
import type { Status } from '../../../cli/status/status.ts';
import { makeTerminal } from '../../../cli/terminal/terminal.ts';

describe('the screen of status', () => {
  const status: Status = {
    ok: true,
    checkedAt: '2026-03-05T12:00:00.000Z',
    plannedAt: '2026-03-05T10:00:00.000Z',
    plan: {
      attemptedAt: '2026-03-05T11:58:00.000Z',
      succeededAt: '2026-03-05T11:58:00.000Z',
      failure: null,
      looks: [],
    },
    running: { isRunning: true, pid: 4711, everySeconds: 10 },
    reads: [
      { day: '2026-03-05', source: 'sales_order', looks: 12, bytes: 3 * 2 ** 30, seconds: 1.25 },
      { day: '2026-03-05', source: 'design', looks: 2, bytes: 2 ** 20, seconds: 0.01 },
      { day: '2026-03-04', source: 'design', looks: 2, bytes: 2 ** 40, seconds: 1 },
    ],
    maxLagSeconds: null,
    isLoaded: true,
    areRecordsKnown: true,
    retrying: [],
    outages: [],
    verified: { at: '2026-03-05T09:00:00.000Z', exact: true, inexact: [], different: [] },
    deadLetters: [],
    dropped: [],
    waiting: [],
    troubles: [],
    refused: [],
    run: {
      run: '20260305T095959000Zab12',
      plannedAt: '2026-03-05T09:59:59.000Z',
      slices: 2,
      loaded: 1234,
      warnings: ['public.design has columns that the model does not use: colour'],
    },
    tables: [
      {
        table: 'dim_design',
        source: 'design',
        objects: 1,
        rows: 1250,
        versions: 2500,
        loadedAt: '2026-03-05T10:00:01.000Z',
        run: 'r',
        snapshotAt: '2026-03-05T10:00:00.000Z',
        ageSeconds: 7200,
        freshAt: null,
        freshAgeSeconds: null,
        freshBy: null,
        lagSeconds: 7260,
        inFlight: 3,
        waiting: 0,
        quarantined: 0,
        deadLetters: 0,
      },
    ],
    queues: [
      {
        queue: 'load',
        ready: 1,
        inFlight: 2,
        oldestSeconds: 95,
        deadLetters: 4,
        oldestDeadLetterSeconds: 200_000,
      },
    ],
  };
  const screenOf = (shown: Status) => {
    const output = new PassThrough();
    printStatus(shown, makeTerminal(output, output, false), 'npm start');
    return String(output.read()).split('\n');
  };

  it('shows up to when changes are there by an index next to the time as of which a table is exact', () => {
    const [table] = status.tables;
    if (table === undefined) throw new Error('there is no table');
    const fresh = {
      ...table,
      freshAt: '2026-03-05T11:58:00.000Z',
      freshBy: 'last_updated',
      freshAgeSeconds: 120,
    };
    const lines = screenOf({ ...status, tables: [fresh, { ...table, table: 'dim_staff' }] });
    const shown = lines.map((line) => line.replaceAll(/ +/g, ' ').trim());
    expect(shown).toContain('table | fresh as of | exact as of | age | rows | versions');
    expect(shown).toContain(
      'dim_design | 2026-03-05 11:58:00 UTC | 2026-03-05 10:00:00 UTC | 2 min | 1,250 | 2,500',
    );
    expect(shown).toContain(
      'dim_staff | 2026-03-05 10:00:00 UTC | 2026-03-05 10:00:00 UTC | 2 h | 1,250 | 2,500',
    );
    expect(shown).toContain(
      'Fresh by last_updated: what was changed without that is there as of the exact time.',
    );
  });

  it('shows tables, queues, the last run with its warnings, and the verdict', () => {
    const lines = screenOf(status).map((line) => line.trimEnd());
    expect(lines).toContain(' dim_design | 2026-03-05 10:00:00 UTC | 2 h | 1,250 |    2,500');
    expect(lines).toContain(' dim_design |         3 |       0 |           0 |            0');
    expect(lines).toContain(
      'Last plan: 2026-03-05 11:58:00 UTC (2 min ago). Process 4711 is running, and plans every 10 s.',
    );
    expect(lines).toContain('Verified: 2026-03-05 09:00:00 UTC (3 h ago), exact.');
    expect(lines).toContain(' load  |     1 |         2 |   95 s |            4 |                2 d');
    expect(lines).toContain(
      'Last run with changes: 20260305T095959000Zab12, 2026-03-05 09:59:59 UTC, 2 slices, 1,234 rows loaded.',
    );
    expect(lines).toContain(
      'Read of the source on 2026-03-05 (UTC): 14 looks, 3.0 GiB, 1.3 s; most of it sales_order (3.0 GiB).',
    );
    expect(lines).toContain('warning: public.design has columns that the model does not use: colour');
    expect(lines.at(-2)).toBe('Nothing needs attention.');
  });

  it('says of nothing that it never was where the records of it do not answer', () => {
    const [table] = status.tables;
    const unknown = {
      ...status,
      ok: false,
      areRecordsKnown: false,
      plan: { ...status.plan, succeededAt: null },
      verified: null,
      tables: table === undefined ? [] : [{ ...table, snapshotAt: null, ageSeconds: null }],
    };
    const lines = screenOf(unknown).map((line) => line.trimEnd());
    expect(lines).toContain(' dim_design | not known |     | 1,250 |    2,500');
    expect(lines.filter((line) => /^(Last plan|Verified):/.test(line))).toEqual([
      'Last plan: not known. Process 4711 is running, and plans every 10 s.',
      'Verified: not known.',
    ]);
    expect(screenOf({ ...unknown, areRecordsKnown: true })).toContain('Verified: never.');
  });

  it('says how to begin where nothing has been loaded, and what needs attention with its command', () => {
    const trouble = {
      kind: 'failed',
      table: 'staff',
      text: 'staff failed',
      command: 'npx starlift redrive',
    } as const;
    const lines = screenOf({
      ...status,
      ok: false,
      isLoaded: false,
      tables: [],
      run: null,
      troubles: [trouble],
    });
    expect(lines[0]).toBe('Nothing has been loaded yet. Begin with: npm start');
    expect(lines.slice(-4)).toEqual([
      '! staff failed',
      '    npx starlift redrive',
      'Something needs attention.',
      '',
    ]);
  });
});
