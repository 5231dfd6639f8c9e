import { describe, expect, it } from '@jest/globals';
import { type AsOfFacts, findAsOf } from '../../../shared/ledger/as-of.ts';
import type { RunRecord } from '../../../shared/records/plan/run-record.ts';
import { totesys } from '../../helpers/models/totesys.ts';

const at = (minute: number) => `2026-03-01T10:${String(minute).padStart(2, '0')}:00.000Z`;
const runId = (minute: number) => `20260301T10${String(minute).padStart(2, '0')}00000Zabcd`;

/** A run of the minute, of one table; the plan before it looked a minute earlier. */
const runAt = (minute: number, table: string, { slices = ['0000'], full = false } = {}): RunRecord => ({
  version: 1,
  run: runId(minute),
  generation: '1',
  since: at(minute - 1),
  plannedAt: at(minute),
  failures: [],
  warnings: [],
  slices: slices.map((slice) => ({ slice, table, full })),
});
const loadedAt = (minute: number, table: string, slices = ['0000']) => ({
  table,
  run: runId(minute),
  slices,
});

/** As of which minute a table is; plans have been made each minute up to 30. */
function minuteOf(
  table: string,
  facts: {
    runs?: RunRecord[];
    loaded?: AsOfFacts['loaded'];
    failing?: string[];
    bases?: [string, Date][];
    dropped?: AsOfFacts['plans']['dropped'];
    empty?: AsOfFacts['plans']['empty'];
  },
) {
  const { runs = [], loaded = [], failing = [], bases = [], dropped = [], empty = [] } = facts;
  const plans = {
    plannedAt: new Date(at(30)),
    bases: new Map(bases),
    failing: new Set(failing),
    runs,
    dropped,
    empty,
  };
  return findAsOf(totesys.table(table), totesys, { plans, loaded })?.instant.getUTCMinutes();
}

describe('a warehouse table is as fresh as', () => {
  it('the last plan where nothing happens: a quiet source is not a late one', () => {
    expect(minuteOf('dim_design', {})).toBe(30);
    const runs = [runAt(5, 'design')];
    expect(minuteOf('dim_design', { runs, loaded: [loadedAt(5, 'dim_design')] })).toBe(30);
  });

  it('the last plan, where an extract has found nothing new; a part of the slice that it was cut into decides first', () => {
    const runs = [runAt(5, 'design'), runAt(10, 'design')];
    const empty = (slice: string) => [{ run: runId(10), slice, table: 'design' }];
    const loaded = [loadedAt(5, 'dim_design')];
    expect(minuteOf('dim_design', { runs, loaded, empty: empty('0000') })).toBe(30);
    expect(minuteOf('dim_design', { runs, loaded, empty: empty('0001') })).toBe(9);
    const half = [...loaded, loadedAt(10, 'dim_design', ['0000.0'])];
    expect(minuteOf('dim_design', { runs, loaded: half, empty: empty('0000') })).toBe(9);
    expect(minuteOf('dim_design', { runs, loaded: half, empty: empty('0000.1') })).toBe(30);
  });

  it('the plan before the oldest run that is not loaded, whatever has overtaken it', () => {
    const runs = [runAt(5, 'design'), runAt(10, 'design'), runAt(20, 'design')];
    const loaded = [loadedAt(5, 'dim_design'), loadedAt(20, 'dim_design')];
    expect(minuteOf('dim_design', { runs, loaded })).toBe(9);
    expect(minuteOf('dim_staff', { runs, loaded })).toBe(30);
  });

  it('the last plan that did not leave it out', () => {
    const bases: [string, Date][] = [['design', new Date(at(12))]];
    expect(minuteOf('dim_design', { bases })).toBe(12);
    expect(minuteOf('dim_staff', { bases })).toBe(30);
  });

  it('the last plan before the first one that left it out, until what was sent after it is loaded', () => {
    const run = runAt(20, 'design');
    const slices = run.slices.map((slice) => ({ ...slice, since: at(12) }));
    const runs = [{ ...run, slices }];
    expect(minuteOf('dim_design', { runs })).toBe(12);
    expect(minuteOf('dim_design', { runs, loaded: [loadedAt(20, 'dim_design')] })).toBe(30);
  });

  it('before a run of which one slice is missing', () => {
    const runs = [runAt(10, 'design', { slices: ['0000', '0001'] })];
    expect(minuteOf('dim_design', { runs, loaded: [loadedAt(10, 'dim_design')] })).toBe(9);
    const loaded = [loadedAt(10, 'dim_design', ['0001', '0000'])];
    expect(minuteOf('dim_design', { runs, loaded })).toBe(30);
  });

  it('its halves, where a slice was cut', () => {
    const runs = [runAt(10, 'design')];
    const withSlices = (...slices: string[]) => ({ runs, loaded: [loadedAt(10, 'dim_design', slices)] });
    expect(minuteOf('dim_design', withSlices('0000.0', '0000.1.0'))).toBe(9);
    expect(minuteOf('dim_design', withSlices('0000.0', '0000.1.0', '0000.1.1'))).toBe(30);
  });

  it('a full extract that is loaded: what was lost before it, it has', () => {
    const runs = [runAt(5, 'design'), runAt(10, 'design', { full: true })];
    expect(minuteOf('dim_design', { runs })).toBe(4);
    expect(minuteOf('dim_design', { runs, loaded: [loadedAt(10, 'dim_design')] })).toBe(30);
  });

  it('the last run that brought something of it, where it cannot be extracted any more', () => {
    const failed = {
      ...runAt(10, 'design', { full: true }),
      failures: [{ table: 'design', error: 'TerminalError', reason: 'it is gone' }],
    };
    const runs = [runAt(5, 'design'), failed];
    const loaded = [loadedAt(5, 'dim_design')];
    expect(minuteOf('dim_design', { runs: [runAt(5, 'design')], loaded, failing: ['design'] })).toBe(5);
    expect(minuteOf('dim_design', { runs, loaded, failing: ['design'] })).toBe(5);
    expect(minuteOf('dim_design', { failing: ['design'] })).toBeUndefined();
    expect(minuteOf('dim_staff', { runs, loaded, failing: ['design'] })).toBe(30);
  });

  it('the last plan, where what is missing was discarded: nothing brings it any more', () => {
    const runs = [runAt(10, 'design'), runAt(20, 'design', { slices: ['0000', '0001'] })];
    const loaded = [loadedAt(20, 'dim_design', ['0001'])];
    const dropped: AsOfFacts['plans']['dropped'] = [
      { zone: 'processed', table: 'dim_design', run: runId(10), slice: '0000', revision: 0 },
      { zone: 'ingested', table: 'design', run: runId(20), slice: '0000' },
    ];
    expect(minuteOf('dim_design', { runs, loaded })).toBe(9);
    expect(minuteOf('dim_design', { runs, loaded, dropped: dropped.slice(0, 1) })).toBe(19);
    expect(minuteOf('dim_design', { runs, loaded, dropped })).toBe(30);
    expect(minuteOf('dim_staff', { runs: [runAt(10, 'staff')], dropped })).toBe(9);
  });

  it('the latest fact, for the calendar', () => {
    const runs = [runAt(10, 'payment'), runAt(20, 'sales_order')];
    expect(minuteOf('dim_date', { runs })).toBe(9);
    expect(minuteOf('dim_date', { runs, loaded: [loadedAt(10, 'fact_payment')] })).toBe(19);
  });

  it('nothing, until its first load is whole: later changes that are there already do not make it so', () => {
    const first = runAt(5, 'design', { slices: ['0000', '0001'], full: true });
    const runs = [first, runAt(10, 'design')];
    const wholeWith = (...loaded: AsOfFacts['loaded']) =>
      findAsOf(totesys.table('dim_design'), totesys, {
        plans: {
          plannedAt: new Date(at(30)),
          bases: new Map(),
          failing: new Set(),
          runs,
          dropped: [],
          empty: [],
        },
        loaded,
      })?.isWhole;
    expect(wholeWith()).toBe(false);
    expect(wholeWith(loadedAt(5, 'dim_design'), loadedAt(10, 'dim_design'))).toBe(false);
    expect(wholeWith(loadedAt(5, 'dim_design', ['0000', '0001']))).toBe(true);
  });

  it('what it had, while it is read in full again', () => {
    const again = runAt(20, 'design', { full: true });
    const facts = {
      plans: {
        plannedAt: new Date(at(30)),
        bases: new Map(),
        failing: new Set<string>(),
        runs: [again],
        dropped: [],
        empty: [],
      },
      loaded: [loadedAt(5, 'dim_design')],
    };
    expect(findAsOf(totesys.table('dim_design'), totesys, facts)).toEqual({
      instant: new Date(at(19)),
      isWhole: true,
      open: [runId(20)],
    });
  });

  it('its newest changes, where an index is asked for them: what it had is kept apart', () => {
    const bases = new Map([['design', new Date(at(12))]]);
    const asOf = (runs: RunRecord[], loaded: AsOfFacts['loaded'] = []) =>
      findAsOf(totesys.table('dim_design'), totesys, {
        plans: {
          plannedAt: new Date(at(30)),
          bases,
          byIndex: new Map([['design', { column: 'last_updated', at: new Date(at(30)) }]]),
          failing: new Set(),
          runs,
          dropped: [],
          empty: [],
        },
        loaded,
      });
    const minutes = (...facts: Parameters<typeof asOf>) => {
      const found = asOf(...facts);
      return [found?.instant.getUTCMinutes(), found?.fresh?.instant.getUTCMinutes()];
    };
    const byIndex = (minute: number, freshSince: number, look: string[] = []) => {
      const run = runAt(minute, 'design', { slices: ['0000', ...look] });
      const slices = run.slices.map((slice) => ({
        ...slice,
        ...(slice.slice === '0000' && { byIndex: true as const }),
        since: at(12),
        freshSince: at(freshSince),
      }));
      return { ...run, slices };
    };
    expect(minutes([])).toEqual([12, 30]);
    const runs = [byIndex(15, 13), byIndex(25, 20)];
    // What the index has found is loaded, or not: the table is as it was looked at.
    expect(minutes(runs)).toEqual([12, 13]);
    expect(minutes(runs, [loadedAt(15, 'dim_design')])).toEqual([12, 20]);
    expect(
      minutes(
        runs,
        [15, 25].map((minute) => loadedAt(minute, 'dim_design')),
      ),
    ).toEqual([12, 30]);
    // A look at the whole table makes up for what was found by the index until then, and lost.
    expect(minutes([byIndex(11, 10), ...runs.slice(1)], [loadedAt(25, 'dim_design')])).toEqual([12, 30]);
    // Extracts look at the table, and what the index has found is there before.
    const looking = byIndex(20, 18, ['0001', '0002']);
    expect(minutes([looking])).toEqual([12, 18]);
    expect(minutes([looking], [loadedAt(20, 'dim_design', ['0000'])])).toEqual([12, 30]);
    expect(minutes([looking], [loadedAt(20, 'dim_design', ['0001', '0002'])])).toEqual([12, 30]);
    // A plan has looked at it, and not all is loaded.
    const look = {
      ...byIndex(20, 18),
      slices: byIndex(20, 18).slices.map(({ byIndex: _, ...slice }) => slice),
    };
    expect(minutes([look])).toEqual([12, 18]);
    expect(asOf([])?.fresh?.column).toBe('last_updated');
  });
});
