/**
 * How one warehouse table is checked. All of it is written by hand, on purpose not derived from the model that
 * the pipeline works by: a mistake there must not be repeated here.
 */
export interface TableCheck {
  table: string;
  /** What `expected` reads, to name the one that the source lacks. The first is the one whose rows are extracted. */
  sourceTables: readonly [string, ...string[]];
  /** The columns that are compared, the business key first. */
  columns: readonly string[];
  /** SQL for an integer of these columns that orders the rows alike on both servers: no collation is involved. */
  sortKey: string;
  /**
   * A query over the source: the rows that the warehouse must hold, with exactly these columns and `is_late`, which says
   * that the warehouse need not have the row yet.
   */
  expected(isLate: IsLate): string;
  /**
   * Completes the fields of a row of `expected`, in the order of the columns: what the source is not asked for, because
   * its encoding may lack a character.
   */
  complete?(fields: (string | null)[]): (string | null)[];
  /** A fact: a row is identified by (key, last_updated), and other versions of it may be present. */
  isVersioned?: boolean;
  /** A fact's columns that hold a dimension's key. */
  references?: readonly Reference[];
  /**
   * SQL for each column, over a row of the warehouse table: what it must be by the row's own key. Where it is
   * given, rows that the source does not ask for are allowed, but must be right.
   */
  ownTruth?: readonly string[];
}

/**
 * SQL that says whether a row of the source is newer than what has been loaded.
 *
 * @param table the source table whose extract brings the row
 * @param aliases in the query, of the tables whose rows it is made of
 */
export type IsLate = (table: string, aliases: readonly string[]) => string;

export interface Reference {
  column: string;
  dimension: string;
  key: string;
}

/**
 * SQL for a numeric of the source as a warehouse column of two decimals shows it: trailing zeros
 * do not count, in a column without a scale (1.500 and 1.5 are 1.50). A value with more digits keeps them all, so that
 * it differs from what it would be rounded to.
 */
export const twoDecimals = (column: string): string =>
  `round(${column}, greatest(scale(trim_scale(${column})), 2)) as ${column}`;
