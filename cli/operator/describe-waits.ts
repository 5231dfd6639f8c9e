import { formatCount, formatRows } from '../format-count.ts';
import type { ExplainedWait, WaitingCause } from './waiting-causes.ts';

/** The waits of one fact for one dimension that have one cause. */
export interface WaitGroup {
  table: string;
  column: string;
  dimension: string;
  cause: WaitingCause;
  /** Of the missing dimension rows, those first that most rows wait for. */
  keys: string[];
  /** Rows of the fact. */
  rows: number;
  mend: string;
}

const shownKeys = 5;

export function groupWaits(waits: readonly ExplainedWait[]): WaitGroup[] {
  const groups = new Map<string, WaitGroup>();
  for (const { key, rows, ...wait } of waits) {
    const id = `${wait.table} ${wait.column} ${wait.cause}`;
    const group = groups.get(id) ?? { ...wait, keys: [], rows: 0 };
    group.keys.push(key);
    group.rows += rows;
    groups.set(id, group);
  }
  return [...groups.values()];
}

const causes: Record<WaitingCause, string> = {
  quarantined: 'which broke the contract and is in quarantine',
  dropped: 'which broke the contract and was given up',
  failed: 'whose table has failed',
  deleted: 'which the source does not have: it cannot come',
  expected: 'which has not landed yet',
};

/** @example '3 rows of fact_payment wait for dim_transaction 5, which the source does not have: it cannot come' */
export function describeWait({ table, dimension, cause, keys, rows }: WaitGroup): string {
  const more = keys.length - shownKeys;
  const list = keys.slice(0, shownKeys).join(', ') + (more > 0 ? ` and ${formatCount(more)} more` : '');
  return `${formatRows(rows)} of ${table} ${rows === 1 ? 'waits' : 'wait'} for ${dimension} ${list}, ${causes[cause]}`;
}
