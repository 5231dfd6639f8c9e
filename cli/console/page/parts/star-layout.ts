import type { ConsoleTable } from '../../answers/api.ts';

/** The star in three columns: what happens in the middle, what it is about on both sides. */
export interface StarLayout {
  left: string[];
  middle: string[];
  right: string[];
  /** From a table of one side to one of the middle, each by its place in its column, from 0 to 1. */
  edges: { side: 'left' | 'right'; outer: string; inner: string; from: number; to: number }[];
}

/** @returns undefined for a model without a star: tables that reference none are a plain list */
export function layOutStar(tables: readonly ConsoleTable[]): StarLayout | undefined {
  const middle = tables.filter(({ kind }) => kind === 'fact').map(({ name }) => name);
  const others = tables.filter(({ kind }) => kind !== 'fact').map(({ name }) => name);
  if (middle.length === 0 || others.length === 0) return undefined;
  const half = Math.ceil(others.length / 2);
  const sides = { left: others.slice(0, half), right: others.slice(half) };
  const edges = (['left', 'right'] as const).flatMap((side) =>
    tables.flatMap(({ name: inner, kind, references }) =>
      kind !== 'fact'
        ? []
        : references
            .filter((outer) => sides[side].includes(outer))
            .map((outer) => ({
              side,
              outer,
              inner,
              from: placeIn(sides[side], outer),
              to: placeIn(middle, inner),
            })),
    ),
  );
  return { ...sides, middle, edges };
}

/** The middle of an entry where all of a column have the same height. */
const placeIn = (column: readonly string[], name: string): number =>
  (column.indexOf(name) + 0.5) / column.length;
