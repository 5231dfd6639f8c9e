import { expect, it } from '@jest/globals';
import {
  chooseLook,
  chooseWait,
  type QuietFacts,
} from '../../../services/ingestion/plan/look/choose-look.ts';

const rules = {
  maxAgeSeconds: 600,
  alwaysBytes: 1000,
  restFactor: 10,
  overlapSeconds: 60,
  summariesAgeSeconds: 0,
};
const quiet: QuietFacts = {
  known: { look: { counters: 'a', bytes: 1001, seconds: 1 } },
  counters: 'a',
  lookedAt: '2026-03-01T10:00:00.000Z',
  plannedAt: '2026-03-01T10:02:00.000Z',
  now: new Date('2026-03-01T10:05:59.999Z'),
  xids: 249_999_999n,
};

it('a table is left out only where every rule allows it', () => {
  expect(chooseLook(quiet, rules)).toBe('quiet');
});

it.each<[reason: string, Partial<QuietFacts>]>([
  ['no counters', { counters: undefined }],
  ['no counters', { known: {} }],
  ['no counters', { known: { look: { bytes: 1001, seconds: 1 } } }],
  ['written to', { counters: 'b' }],
  ['small', { known: { look: { counters: 'a', bytes: 1000, seconds: 1 } } }],
  // Ten minutes old by the next plan, if that is four minutes away.
  ['due', { now: new Date('2026-03-01T10:06:00.000Z') }],
  ['due', { plannedAt: '2026-03-01T10:01:00.000Z' }],
  ['due', { now: new Date('2026-03-01T09:59:59.999Z') }],
  ['due', { lookedAt: undefined }],
  ['due', { xids: 250_000_000n }],
])('it is looked at, for %s', (reason, facts) => {
  expect(chooseLook({ ...quiet, ...facts }, rules)).toBe(reason);
});

it('a table whose size is not known is not taken for a small one', () => {
  expect(chooseLook({ ...quiet, known: { look: { counters: 'a', seconds: 1 } } }, rules)).toBe('quiet');
});

it('a table whose look took long rests for ten times as long, and a small one never', () => {
  const after = (seconds: number, look = { bytes: 1001, seconds: 6 }) =>
    chooseWait(
      {
        known: { look },
        lookedAt: '2026-03-01T10:00:00.000Z',
        now: new Date(Date.parse('2026-03-01T10:00:00.000Z') + 1000 * seconds),
      },
      rules,
      undefined,
    );
  expect(after(59.9)).toBe('resting');
  expect(after(60)).toBeUndefined();
  expect(after(59.9, { bytes: 1000, seconds: 6 })).toBeUndefined();
  // A clock that was set back.
  expect(after(-1)).toBeUndefined();
});
