import { describe, expect, it } from '@jest/globals';
import { areDistinct } from '../../../services/loading/rows/column-values.ts';
import { toBatch } from '../../integration/load/parquet-objects.ts';
import { smallModel } from '../../integration/load/small-model.ts';

const colours = smallModel.table('dim_colour');
const batch = (ids: number[], names: string[] = []) =>
  toBatch(
    colours,
    ids.map((id, row) => ({ colour_id: String(id), name: names[row] ?? 'any' })),
  );

describe('areDistinct', () => {
  it.each([
    ['none at all', [[]], true],
    ['near ones', [[3, -1, 2]], true],
    ['a double', [[3, -1, 3]], false],
    [
      'a double in another batch',
      [
        [3, -1],
        [2, 3],
      ],
      false,
    ],
    ['ones that are far apart', [[-2_000_000_000, 0, 2_000_000_000]], true],
    ['a double among those', [[-2_000_000_000, 2_000_000_000], [-2_000_000_000]], false],
  ])('of %s', (_, ids, expected) => {
    expect(
      areDistinct(
        ids.map((each) => batch(each)),
        [0],
      ),
    ).toBe(expected);
  });

  it('of texts', () => {
    expect(areDistinct([batch([1, 2], ['a', 'b'])], [1])).toBe(true);
    expect(areDistinct([batch([1, 2], ['a', 'b']), batch([3], ['a'])], [1])).toBe(false);
  });

  it('of several columns together', () => {
    const rows = [batch([1, 1], ['a', 'b']), batch([2], ['a'])];
    expect(areDistinct(rows, [0])).toBe(false);
    expect(areDistinct(rows, [0, 1])).toBe(true);
    expect(areDistinct([...rows, batch([1], ['b'])], [0, 1])).toBe(false);
  });
});
