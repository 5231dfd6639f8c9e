import { describe, expect, it } from '@jest/globals';
import { yearsAround } from '../../../cli/run/report/fill-calendar.ts';

describe('yearsAround', () => {
  it('leaves no hole between the first year and the last', () => {
    expect(yearsAround([2022, 2025])).toEqual([2022, 2023, 2024, 2025]);
    expect(yearsAround([2024])).toEqual([2024]);
    expect(yearsAround([])).toEqual([]);
  });

  it('does not fill the ages between a slip of the pen and the present', () => {
    expect(yearsAround([2022, 2023, 9999])).toEqual([2022, 2023, 9999]);
  });

  it('leaves no hole on either side of a slip of the pen', () => {
    expect(yearsAround([202, 2022, 2025, 9999])).toEqual([202, 2022, 2023, 2024, 2025, 9999]);
  });
});
