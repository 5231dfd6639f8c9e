/** The two databases that a command works on, and what must be let go of when it is done. */
export interface Databases {
  sourceUrl: string;
  warehouseUrl: string;
  release(): Promise<void>;
}
