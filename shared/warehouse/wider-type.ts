/**
 * Whether every value of the one type is one of the other, and has the same text there: the table can keep its rows.
 *
 * @param narrow as SQL writes it, such as `numeric(10,2)`
 */
export function isWider(narrow: string, wide: string): boolean {
  const [from, to] = [whole.indexOf(narrow), whole.indexOf(wide)];
  if (from >= 0) return to > from || wide === 'numeric';
  const [before, after] = [parseNumeric(narrow), parseNumeric(wide)];
  if (before === undefined) return false;
  if (wide === 'numeric') return true;
  if (after === undefined) return false;
  const digits = ({ precision, scale }: Numeric) => precision - scale;
  // Another scale writes 1.5 as 1.50.
  return after.scale === before.scale && digits(after) > digits(before);
}

const whole = ['smallint', 'int', 'bigint'];

interface Numeric {
  precision: number;
  scale: number;
}

function parseNumeric(type: string): Numeric | undefined {
  const [, precision, scale] = /^numeric\((\d+),(\d+)\)$/.exec(type) ?? [];
  return precision === undefined ? undefined : { precision: Number(precision), scale: Number(scale) };
}
