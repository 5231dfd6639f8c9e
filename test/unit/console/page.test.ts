import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Snapshot } from '../../../cli/console/answers/api.ts';
import { formatPlace, parsePlace } from '../../../cli/console/page/parts/address.ts';
import { judge, levelOfTable } from '../../../cli/console/page/parts/judgement.ts';
import { chooseChart } from '../../../cli/console/page/parts/result-chart.ts';
import { layOutStar } from '../../../cli/console/page/parts/star-layout.ts';
import type { Trouble } from '../../../cli/status/troubles/trouble.ts';

describe('an address of the page', () => {
  it('leads to the place that it was made from, whatever is in its parts', () => {
    const part = fc
      .string({ minLength: 1 })
      .filter((text) => !text.includes('/') && text !== '.' && text !== '..');
    fc.assert(
      fc.property(
        fc.constantFrom('tables', 'runs', 'objects'),
        fc.array(part, { minLength: 1, maxLength: 4 }),
        fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string()),
        (page, parts, parameters) => {
          const place = parsePlace(formatPlace(page, parts.join('/'), parameters));
          expect([place.page, place.subject]).toEqual([page, parts.join('/')]);
          expect({ ...Object.fromEntries(place.parameters) }).toEqual({ ...parameters });
        },
      ),
    );
  });

  it('is the overview where it names nothing, and keeps a % that is no escape', () => {
    expect(parsePlace('/')).toMatchObject({ page: 'overview', subject: undefined });
    expect(formatPlace('overview')).toBe('/');
    expect(parsePlace('/tables/100%').subject).toBe('100%');
  });
});

const trouble = (kind: Trouble['kind'], table: string | null = null): Trouble => ({
  kind,
  table,
  text: 'something',
  command: 'npx starlift status',
});

const snapshotWith = (troubles: Trouble[], isLoaded = true): Snapshot => ({
  status: { ok: troubles.length === 0, troubles, isLoaded, maxLagSeconds: 60 } as unknown as NonNullable<
    Snapshot['status']
  >,
  runs: [],
  error: null,
  since: null,
  isLive: true,
  load: null,
});

describe('the first line of the page', () => {
  it('is never an all-clear where status has none', () => {
    expect(judge(snapshotWith([]))).toEqual({ level: 'well', sentence: 'Nothing needs attention.' });
    expect(judge(snapshotWith([trouble('waiting')]))).toEqual({
      level: 'warn',
      sentence: '1 thing needs attention.',
    });
    expect(judge(snapshotWith([trouble('waiting'), trouble('unanswered')]))).toEqual({
      level: 'bad',
      sentence: '2 things need attention.',
    });
    expect(judge(snapshotWith([], false)).level).toBe('none');
    expect(judge({ ...snapshotWith([]), status: null, error: 'the disk is full' }).level).toBe('bad');
    expect(judge(undefined).level).toBe('none');
  });

  it('is of a table by what is wrong with it, else by its age', () => {
    const table = {
      table: 'dim_staff',
      source: 'staff',
      ageSeconds: 10,
      freshAgeSeconds: null,
      snapshotAt: '2026-11-30T12:00:00Z',
    };
    const level = (troubles: Trouble[], changes = {}) =>
      levelOfTable({ ...table, ...changes }, { troubles, maxLagSeconds: 60 });
    expect(level([])).toBe('well');
    expect(level([], { ageSeconds: 61 })).toBe('warn');
    expect(level([], { ageSeconds: 61, freshAgeSeconds: 10 })).toBe('well');
    expect(level([], { ageSeconds: 99, freshAgeSeconds: 61 })).toBe('warn');
    expect(level([], { snapshotAt: null, ageSeconds: null })).toBe('none');
    expect(level([trouble('waiting', 'dim_staff')])).toBe('warn');
    expect(level([trouble('emptied', 'dim_staff')])).toBe('bad');
    expect(level([trouble('failed', 'staff')])).toBe('bad');
    expect(level([trouble('failed', 'design'), trouble('unanswered')])).toBe('well');
  });
});

describe('the star', () => {
  const dimension = (name: string) => ({ name, kind: 'dimension' as const, references: [] });

  it('has facts in the middle, and a line to each table that they name', () => {
    const layout = layOutStar([
      { name: 'fact_sale', kind: 'fact', references: ['dim_a', 'dim_d'] },
      ...['dim_a', 'dim_b', 'dim_c', 'dim_d'].map(dimension),
    ]);
    expect(layout).toEqual({
      left: ['dim_a', 'dim_b'],
      middle: ['fact_sale'],
      right: ['dim_c', 'dim_d'],
      edges: [
        { side: 'left', outer: 'dim_a', inner: 'fact_sale', from: 0.25, to: 0.5 },
        { side: 'right', outer: 'dim_d', inner: 'fact_sale', from: 0.75, to: 0.5 },
      ],
    });
  });

  it('is a list where nothing happens, or facts name nothing', () => {
    expect(layOutStar([dimension('a'), dimension('b')])).toBeUndefined();
    expect(layOutStar([{ name: 'fact_sale', kind: 'fact', references: [] }])).toBeUndefined();
  });
});

describe('the chart of a result', () => {
  const text = (name: string) => ({ name, isNumber: false });
  const number = (name: string) => ({ name, isNumber: true });
  const nothing = { x: '', y: '' };

  it('is over time where the first column has dates, from left to right', () => {
    const columns = [text('day'), number('rows')];
    const rows = [
      ['2026-11-02', '5'],
      ['2026-11-01 12:00:00+00', null],
    ];
    expect(chooseChart({ columns, rows }, nothing)).toEqual({
      xName: 'day',
      yName: 'rows',
      x: [Date.UTC(2026, 10, 1, 12) / 1000, Date.UTC(2026, 10, 2) / 1000],
      y: [null, 5],
      isTime: true,
      names: undefined,
    });
  });

  it('has bars with names for anything else, and the columns that are chosen', () => {
    const columns = [text('currency'), number('rows'), number('sum')];
    const rows = [
      ['EUR', '2', '20.5'],
      [null, '1', 'NaN'],
    ];
    expect(chooseChart({ columns, rows }, nothing)).toMatchObject({
      names: ['EUR', 'null'],
      x: [0, 1],
      y: [2, 1],
    });
    expect(chooseChart({ columns, rows }, { x: 'currency', y: 'sum' })).toMatchObject({
      yName: 'sum',
      y: [20.5, null],
    });
    expect(chooseChart({ columns, rows }, { x: 'rows', y: 'rows' })).toMatchObject({
      xName: 'rows',
      yName: 'sum',
      x: [1, 2],
      y: [null, 20.5],
    });
  });

  it('is none without numbers, or of one row', () => {
    expect(
      chooseChart(
        {
          columns: [text('a'), text('b')],
          rows: [
            ['1', '2'],
            ['3', '4'],
          ],
        },
        nothing,
      ),
    ).toBeUndefined();
    expect(chooseChart({ columns: [text('a'), number('b')], rows: [['1', '2']] }, nothing)).toBeUndefined();
    expect(chooseChart({ columns: [], rows: [] }, nothing)).toBeUndefined();
  });
});
