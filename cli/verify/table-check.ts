/**
 * How one warehouse table is checked. All of it is written by hand, on purpose not derived from the model that
 * the pipeline works by: a mistake there must not be repeated here.
 */
export interface TableCheck {
  table: string;
  /** What `expected` reads, to name the one that the source lacks. */
  sourceTables: readonly string[];
  /** The columns that are compared, the business key first. */
  columns: readonly string[];
  /** SQL for an integer of these columns that orders the rows alike on both servers: no collation has a say. */
  sortKey: string;
  /** A query over the source: the rows that the warehouse must hold, with exactly these columns. */
  expected: string;
  /** A fact: rows are told apart by (key, last_updated), and those of other versions may stand beside. */
  isVersioned?: boolean;
  /** A fact's columns that hold a dimension's key. */
  references?: readonly Reference[];
  /**
   * SQL for each column, over a row of the warehouse table: what it must be by the row's own key. Where it is
   * given, rows that the source does not ask for are allowed, but must be right.
   */
  ownTruth?: readonly string[];
}

export interface Reference {
  column: string;
  dimension: string;
  key: string;
}
