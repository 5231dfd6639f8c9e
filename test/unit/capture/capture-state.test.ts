import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  claimGeneration,
  needsNewGeneration,
  nextGeneration,
} from '../../../services/ingestion/plan/generation.ts';
import { TerminalError } from '../../../shared/errors.ts';
import {
  type CaptureState,
  formatCaptureState,
  parseCaptureState,
} from '../../../shared/records/plan/capture-state.ts';
import { makeMemoryStore } from '../../helpers/rows/memory-store.ts';

const xid = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const states: fc.Arbitrary<CaptureState> = fc.record(
  {
    version: fc.constant(3 as const),
    generation: xid,
    identity: fc.string(),
    captured: fc.record({ base: xid, inProgress: fc.array(xid) }),
    tables: fc.dictionary(
      fc.string(),
      fc.oneof(
        fc.record(
          {
            source: fc.string(),
            model: fc.string(),
            base: fc.record(
              {
                captured: fc.record({ base: xid, inProgress: fc.array(xid) }, { noNullPrototype: true }),
                plannedAt: fc.constant('2026-03-01T10:00:00.000Z'),
              },
              { noNullPrototype: true },
            ),
            sentLocked: fc.constant({ run: '20260301T100000000Zabcd', slice: '0003' }),
          },
          { requiredKeys: ['source', 'model'], noNullPrototype: true },
        ),
        fc.record({ failed: fc.string() }, { noNullPrototype: true }),
      ),
      { noNullPrototype: true },
    ),
    layouts: fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }),
  },
  { requiredKeys: ['version', 'generation', 'identity', 'tables'], noNullPrototype: true },
);

describe('the capture state', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(states, (state) => {
        expect(parseCaptureState(formatCaptureState(state))).toEqual(state);
      }),
    );
  });

  const valid = { version: 3, generation: '1', identity: 'a', tables: {} };
  it.each([
    ['nothing', ''],
    ['half of it', '{"version":1,"gener'],
    ['a list', '[]'],
    ['another version', JSON.stringify({ ...valid, version: 4 })],
    ['no generation', JSON.stringify({ ...valid, generation: 'one' })],
    ['a layout that is no hash', JSON.stringify({ ...valid, layouts: { a: 1 } })],
    ['no identity', JSON.stringify({ ...valid, identity: null })],
    ['no xid', JSON.stringify({ ...valid, captured: { base: '-1', inProgress: [] } })],
    ['no list of xids', JSON.stringify({ ...valid, captured: { base: '1', inProgress: ['1); drop'] } })],
    ['no tables', JSON.stringify({ ...valid, tables: [] })],
    ['a table without a state', JSON.stringify({ ...valid, tables: { staff: {} } })],
    [
      'a base without xids',
      JSON.stringify({ ...valid, tables: { staff: { source: 'f', base: { plannedAt: '2026-03-01' } } } }),
    ],
    ['a slice of no run', JSON.stringify({ ...valid, tables: { staff: { source: 'f', sentLocked: {} } } })],
    ['a fingerprint of version 1', JSON.stringify({ ...valid, tables: { staff: { fingerprint: 'f' } } })],
    [
      'a fingerprint that is no text',
      JSON.stringify({ ...valid, version: 1, tables: { staff: { fingerprint: 1 } } }),
    ],
  ])('with %s in it is one error that names its key', (_, text) => {
    const parse = () => parseCaptureState(Buffer.from(text));
    expect(parse).toThrow(TerminalError);
    expect(parse).toThrow(/^the capture state state\/capture\.json is corrupt: /);
  });

  it('of version 1 is read as one that does not know the model', () => {
    const former = {
      ...valid,
      version: 1,
      tables: { staff: { fingerprint: 'f' }, design: { failed: 'gone' } },
    };
    expect(parseCaptureState(Buffer.from(JSON.stringify(former)))).toEqual({
      ...valid,
      tables: { staff: { source: 'f' }, design: { failed: 'gone' } },
    });
  });

  it('of version 2 is read as one whose tables all begin at its own base', () => {
    const former = { ...valid, version: 2, tables: { staff: { source: 'f', model: 'm' } } };
    expect(parseCaptureState(Buffer.from(JSON.stringify(former)))).toEqual({ ...former, version: 3 });
  });
});

describe('a new generation', () => {
  const state: CaptureState = {
    version: 3,
    generation: '1',
    identity: 'a',
    captured: { base: '1000', inProgress: [] },
    tables: {},
  };

  it.each([
    ['begins without a state', undefined, { identity: 'a', xmax: '5' }, true],
    ['begins with another identity', state, { identity: 'b', xmax: '1000' }, true],
    ['begins when the xids went back', state, { identity: 'a', xmax: '999' }, true],
    ['does not when nothing happened', state, { identity: 'a', xmax: '1000' }, false],
    ['does not when the xids have one digit more', state, { identity: 'a', xmax: '10000' }, false],
  ])('%s', (_, known, source, expected) => {
    expect(needsNewGeneration(known, source)).toBe(expected);
  });

  it('keeps the layouts, by which objects of earlier ones are read', async () => {
    const store = makeMemoryStore();
    await store.put('state/capture.json', formatCaptureState({ ...state, layouts: { staff: 'abc' } }));
    const claimed = await claimGeneration(store, { identity: 'b', xmax: '1000' }, { now: new Date() });
    expect(claimed.state).toMatchObject({ identity: 'b', tables: {}, layouts: { staff: 'abc' } });
  });

  const now = new Date('2024-02-29T12:00:00.999Z');
  it.each([
    ['the Unix time where nothing is known', {}, '1709208000'],
    ['the Unix time where the state is from an old backup', { previous: '1600000000' }, '1709208000'],
    ['above a state that was made under a clock that was ahead', { previous: '1900000000' }, '1900000001'],
    ['above what is loaded where the state is lost', { loaded: '1900000000' }, '1900000001'],
    [
      'above the greater of the two',
      { previous: '1900000005', loaded: '9007199254740993' },
      '9007199254740994',
    ],
  ])('is %s', (_, known, expected) => {
    expect(nextGeneration({ ...known, now })).toBe(expected);
  });
});
