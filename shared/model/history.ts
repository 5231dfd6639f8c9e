import type { DimensionDefinition } from './define.ts';
import type { WarehouseTable } from './model.ts';

// A dimension with a history has a second table with every version of its rows that was captured. From when until when each of
// them held is read from these by a view: it follows from the set of the versions, in whatever order they came.

/** The version of the object that a row came from: generation, xmax, xmin and tie, compared from left to right. */
export const versionColumn = '_version';

/** When the source was read. */
export const validFromColumn = '_valid_from';

/** Of the view: when the next version was read. */
export const validToColumn = '_valid_to';

const suffix = '__versions';

/** The table with the versions of a dimension's rows. */
export const versionsNameOf = (dimension: string): string => `${dimension}${suffix}`;

/** The dimension whose versions a table has; undefined for a name that no such table has. */
export const dimensionOfVersions = (table: string): string | undefined =>
  table.endsWith(suffix) ? table.slice(0, -suffix.length) : undefined;

/** The view that shows from when until when each version held. */
export const historyNameOf = (dimension: string): string => `${dimension}_history`;

/** The table with the versions of a dimension's rows. It names no other: a version may be older than the row that it named. */
export function versionsOf({ name, was, ...dimension }: DimensionDefinition): DimensionDefinition {
  const columns = Object.entries(dimension.columns).map(([column, { references: _, ...definition }]) => [
    column,
    definition,
  ]);
  return {
    ...dimension,
    kind: 'table',
    name: versionsNameOf(name),
    ...(was !== undefined && { was: versionsNameOf(was) }),
    history: true,
    columns: Object.fromEntries(columns),
  };
}

/** Whether a table has every version of a key, each with the version of the object that it came from. */
export const isHistory = (table: WarehouseTable): boolean =>
  table.kind !== 'calendar' && table.kind !== 'fact' && table.history === true;
