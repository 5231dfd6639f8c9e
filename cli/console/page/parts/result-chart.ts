import type { SqlAnswer } from '../../answers/api.ts';

/** Two columns of a result, as a chart draws them. */
export interface ResultChart {
  xName: string;
  yName: string;
  x: number[];
  y: (number | null)[];
  /** x is Unix seconds. */
  isTime: boolean;
  /** What stands at 0, 1, 2, … where x is neither a number nor a time. */
  names: string[] | undefined;
}

/**
 * Chooses what of a result to draw: the first column across, the first column of numbers up, or those that are named.
 *
 * @returns undefined where there is nothing to draw
 */
export function chooseChart(
  { columns, rows }: Pick<SqlAnswer, 'columns' | 'rows'>,
  wanted: { x: string; y: string },
): ResultChart | undefined {
  const find = (name: string) => columns.findIndex((column) => column.name === name);
  const across = Math.max(0, find(wanted.x));
  const isUsable = (index: number) => columns[index]?.isNumber === true && index !== across;
  const up = isUsable(find(wanted.y)) ? find(wanted.y) : columns.findIndex((_, index) => isUsable(index));
  const [xColumn, yColumn] = [columns[across], columns[up]];
  if (xColumn === undefined || yColumn === undefined || rows.length < 2) return undefined;
  const texts = rows.map((row) => row[across] ?? null);
  const named = { xName: xColumn.name, yName: yColumn.name };
  const values = rows.map((row) => toNumber(row[up] ?? null));
  const isTime = texts.every((text) => text !== null && /^\d{4}-\d\d-\d\d/.test(text));
  const places = isTime ? texts.map(toSeconds) : xColumn.isNumber ? texts.map(toNumber) : undefined;
  if (places === undefined) {
    const names = texts.map((text) => text ?? 'null');
    return { ...named, x: names.map((_, index) => index), y: values, isTime: false, names };
  }
  // A line goes from left to right.
  const points = places
    .flatMap((x, index) => (x === null ? [] : [{ x, y: values[index] ?? null }]))
    .toSorted((a, b) => a.x - b.x);
  return { ...named, x: points.map(({ x }) => x), y: points.map(({ y }) => y), isTime, names: undefined };
}

const toNumber = (text: string | null): number | null => {
  const number = text === null ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : null;
};

/** Postgres writes a zone as +00, and none where a time has none: then it is taken for UTC. */
function toSeconds(text: string | null): number | null {
  const [, date = '', time = '00:00:00', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d)?)?/.exec(text ?? '') ?? [];
  const milliseconds = Date.parse(`${date}T${time}${zone === 'Z' ? 'Z' : `${zone}:00`}`);
  return Number.isNaN(milliseconds) ? null : milliseconds / 1000;
}
