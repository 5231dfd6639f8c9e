import { describe, expect, it } from '@jest/globals';
import { areDistinct } from '../../../services/loading/rows/column-values.ts';
import { defineDimension, int, varchar } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { calendar } from '../../helpers/models/calendar.ts';
import { toBatch } from '../../helpers/rows/text-rows.ts';

const colour = defineDimension({
  name: 'dim_colour',
  source: { table: 'colour', key: ['colour_id'], columns: { colour_id: 'int4', name: 'varchar' } },
  key: ['colour_id'],
  columns: { colour_id: int('colour_id'), name: varchar('name') },
});
const colours = assembleModel({ name: 'test', tables: [calendar, colour] }).table('dim_colour');
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
