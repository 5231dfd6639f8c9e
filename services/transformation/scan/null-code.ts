import type { Target } from './value-code.ts';

/** The code that stores a null in a nullable column; it speaks of the same names as valueCode's. */
export const nullCode = ({ column, index }: Target): string => {
  const isNull = `isValid${index}[row] = 0;`;
  switch (column.type.name) {
    case 'varchar':
      return `${isNull} offsets${index}[row + 1] = offsets${index}[row];`;
    case 'time':
      return `${isNull} words${index}[2 * row] = words${index}[2 * row + 1] = 0;`;
    case 'numeric':
      return `${isNull} words${index}.fill(0, 4 * row, 4 * row + 4);`;
    default:
      return `${isNull} words${index}[row] = 0;`;
  }
};
