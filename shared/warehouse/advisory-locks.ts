/** The first key of all of the pipeline's advisory locks in the warehouse's database: 'star' in ASCII. */
const pipeline = 0x73746172;

/** The two keys of each of the pipeline's advisory locks; all are held to the end of their transaction. */
export const warehouseLocks = {
  /** Held while tables are made. */
  tables: [pipeline, 1],
  /**
   * All dimensions together: shared by a fact's load while it parks rows, exclusive to a dimension's load while
   * it releases them. One lock for each dimension would park a row for ever whose two missing dimensions arrive
   * together: neither load sees the other's row.
   */
  dimensions: [pipeline, 2],
} as const;
