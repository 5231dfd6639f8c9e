import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isAccounted, type SliceFacts } from '../../../cli/site/stage/follow-slices.ts';
import { addEmpty } from '../../../shared/records/plan/empty-slices.ts';
import { type FollowedSlice, isAccountedFor, makeKnownSlices } from '../../../shared/records/plan/slices.ts';
import { totesys } from '../../helpers/models/totesys.ts';

const run = '20261125T120000000Zabcd';
const sliceOf = (table: string, slice = '0003'): FollowedSlice => ({ run, slice, table });

/** @param known of each kind, `table slice` */
function factsOf(known: Partial<Record<keyof SliceFacts, string[]>>): SliceFacts {
  const make = (names: string[] = []) => {
    const slices = makeKnownSlices();
    for (const name of names) {
      const [table = '', slice = ''] = name.split(' ');
      slices.add(table, { run, slice });
    }
    return slices;
  };
  return {
    loaded: make(known.loaded),
    ingested: make(known.ingested),
    failed: make(known.failed),
    empty: make(known.empty),
  };
}

const isDone = (slice: FollowedSlice, known: Partial<Record<keyof SliceFacts, string[]>>): boolean =>
  isAccounted(slice, factsOf(known), totesys);

describe('a slice', () => {
  it("of a dimension's source is done when the dimension's object is loaded", () => {
    expect(isDone(sliceOf('design'), {})).toBe(false);
    expect(isDone(sliceOf('design'), { loaded: ['dim_design 0004', 'dim_staff 0003'] })).toBe(false);
    expect(isDone(sliceOf('design'), { loaded: ['dim_design 0003'] })).toBe(true);
  });

  it("of a fact's source is done when its dates are loaded too", () => {
    expect(isDone(sliceOf('payment'), { loaded: ['fact_payment 0003'] })).toBe(false);
    expect(isDone(sliceOf('payment'), { loaded: ['dim_date 0003'] })).toBe(false);
    expect(isDone(sliceOf('payment'), { loaded: ['fact_payment 0003', 'dim_date 0003'] })).toBe(true);
  });

  it('in which nothing was new is done, and so is one whose parts are done in one way or another', () => {
    expect(isDone(sliceOf('design'), { empty: ['design 0003'] })).toBe(true);
    expect(isDone(sliceOf('design'), { empty: ['design 0003.0'] })).toBe(false);
    expect(isDone(sliceOf('design'), { empty: ['design 0003.0'], loaded: ['dim_design 0003.1'] })).toBe(true);
    expect(isDone(sliceOf('department'), { empty: ['department 0003'] })).toBe(true);
  });

  it('that was cut after it had been noted as one without news is done when its parts are', () => {
    const known = makeKnownSlices();
    known.add('item', { run, slice: '0003.0' });
    const isKnown = (slice: string) => isAccountedFor(known, 'item', { run, slice });
    addEmpty(known, 'item', [{ run, slice: '0003' }]);
    expect(isKnown('0003')).toBe(false);
    addEmpty(known, 'item', [
      { run, slice: '0003' },
      { run, slice: '0003.1' },
    ]);
    expect(isKnown('0003')).toBe(true);
    // The note of the whole comes first where they are listed.
    addEmpty(known, 'item', [
      { run, slice: '0004' },
      { run, slice: '0004.0' },
    ]);
    expect(isKnown('0004')).toBe(false);
  });

  it('of a table that ends in the ingested zone is done when it is there', () => {
    expect(isDone(sliceOf('department'), {})).toBe(false);
    expect(isDone(sliceOf('department'), { ingested: ['department 0003'] })).toBe(true);
  });

  it('of a table that has left the model is done', () => {
    expect(isDone(sliceOf('visit'), {})).toBe(true);
  });

  it('is accounted for when its extract, its transform or one of its loads is a dead letter', () => {
    expect(isDone(sliceOf('payment'), { failed: ['payment 0003'] })).toBe(true);
    expect(isDone(sliceOf('payment'), { failed: ['fact_payment 0003'] })).toBe(false);
    expect(isDone(sliceOf('payment'), { failed: ['fact_payment 0003'], loaded: ['dim_date 0003'] })).toBe(
      true,
    );
    expect(isDone(sliceOf('design'), { failed: ['payment 0003'] })).toBe(false);
  });

  it('is not done by the same slice of another run', () => {
    const other = { ...sliceOf('design'), run: '20261125T120000001Zabcd' };
    expect(isDone(other, { loaded: ['dim_design 0003'] })).toBe(false);
  });

  it('that was cut, however often, is done when every part is', () => {
    const parts = fc.letrec<{ tree: string[] }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'medium' },
        fc.constant<string[]>(['']),
        fc
          .tuple(tie('tree'), tie('tree'))
          .map(([left, right]) => [...left.map((part) => `.0${part}`), ...right.map((part) => `.1${part}`)]),
      ),
    })).tree;
    const missing = fc.option(fc.nat(), { nil: undefined });
    fc.assert(
      fc.property(parts, missing, (leaves, lacks) => {
        const left =
          lacks === undefined ? leaves : leaves.filter((_, index) => index !== lacks % leaves.length);
        const loaded = left.map((part) => `dim_design 0003${part}`);
        expect(isDone(sliceOf('design'), { loaded })).toBe(lacks === undefined);
      }),
    );
  });
});
