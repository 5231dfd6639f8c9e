import type pg from 'pg';
import { formatRecordText, parseRecordText } from './record-text.ts';
import type { IsLate, TableCheck } from './tables/table-check.ts';

const rowsPerFetch = 5000;

/** One row of either side, rendered by its own server: equal rows are equal texts. */
export interface SortedRow {
  /** The integer that orders the rows; null sorts last. */
  sortKey: string | null;
  /** A fact's last_updated; empty for others. */
  version: string;
  /** All columns as the text of a Postgres row, in which '' is not null. */
  values: string;
  /** Of the source: the warehouse need not have it yet. Of the warehouse: it waits, and is not in the table. */
  isPending: boolean;
  /** The same of what the row must be by its own key, where the check can tell. */
  ownTruth?: string;
}

type FetchedRow = [
  sortKey: string | null,
  version: string | null,
  values: string,
  isPending: boolean,
  ownTruth?: string,
];

/**
 * The rows that the source asks for, in the order of their keys. Memory is flat at any size.
 *
 * @param padded those of its columns that are a char(n), which is compared without its padding
 */
export function readExpectedRows(
  source: pg.Client,
  check: TableCheck,
  { isLate, padded }: { isLate: IsLate; padded: ReadonlySet<string> },
): SortedRows {
  const columns = check.columns.map((column) => (padded.has(column) ? `${column}::text` : column));
  const from = `(${check.expected(isLate)}) as expected`;
  return new SortedRows(source, rowsQuery({ ...check, columns }, { from, isPending: 'is_late' }), (values) =>
    check.complete === undefined ? values : formatRecordText(check.complete(parseRecordText(values))),
  );
}

/**
 * The rows that the warehouse has, in the same order; the versions of a fact follow each other.
 *
 * @param parked the table with the rows that wait; undefined where none does
 */
export function readFoundRows(
  warehouse: pg.Client,
  check: TableCheck,
  parked: string | undefined,
): SortedRows {
  const columns = check.columns.join(', ');
  const from =
    parked === undefined
      ? `(select ${columns}, false as is_parked from ${check.table}) as found`
      : `(select ${columns}, false as is_parked from ${check.table}
          union all select ${columns}, true from ${parked}) as found`;
  return new SortedRows(warehouse, rowsQuery(check, { from, isPending: 'is_parked' }, check.ownTruth));
}

/** An infinite timestamp has no time of day. */
const lastUpdated = '(last_updated_date + last_updated_time)::text';

/** The aliases keep `order by` on the columns: by a name of the select list it would sort their texts. */
function rowsQuery(
  check: TableCheck,
  { from, isPending }: { from: string; isPending: string },
  ownTruth?: readonly string[],
): string {
  const version = check.isVersioned ? `coalesce(${lastUpdated}, last_updated_date::text)` : `''`;
  const order = check.isVersioned ? ', last_updated_date, last_updated_time' : '';
  const truth = ownTruth === undefined ? '' : `, ${rowText(ownTruth)} as own_truth_text`;
  return `select (${check.sortKey})::text as sort_key_text,
      ${version} as version_text,
      ${rowText(check.columns)} as values_text,
      ${isPending} as is_pending${truth}
    from ${from} order by ${check.sortKey}${order}`;
}

// Twice as fast as an array of texts, and as unambiguous.
const rowText = (expressions: readonly string[]): string => `row(${expressions.join(', ')})::text`;

/** A cursor that reads one batch ahead, so that both servers work while rows are compared. */
export class SortedRows {
  readonly #client: pg.Client;
  readonly #query: string;
  readonly #complete: (values: string) => string;
  #batch: FetchedRow[] = [];
  #next = 0;
  #ahead: Promise<FetchedRow[]> | undefined;

  constructor(client: pg.Client, query: string, complete: (values: string) => string = (values) => values) {
    this.#client = client;
    this.#query = query;
    this.#complete = complete;
  }

  /** Within a transaction that is open already; one at a time on a client. A failure shows at `next`. */
  start(): void {
    this.#ahead = this.#fetch(`declare sorted_rows no scroll cursor for ${this.#query}`);
  }

  /** @returns undefined after the last row */
  async next(): Promise<SortedRow | undefined> {
    if (this.#next === this.#batch.length) await this.#turnBatch();
    const row = this.#batch[this.#next];
    if (row === undefined) return undefined;
    this.#next += 1;
    const [sortKey, version, values, isPending, ownTruth] = row;
    return {
      sortKey,
      version: version ?? '',
      values: this.#complete(values),
      isPending,
      ...(ownTruth !== undefined && { ownTruth }),
    };
  }

  async close(): Promise<void> {
    await this.#ahead?.catch(() => {});
    await this.#client.query('close sorted_rows');
  }

  async #turnBatch(): Promise<void> {
    this.#batch = (await this.#ahead) ?? [];
    this.#next = 0;
    this.#ahead = this.#batch.length < rowsPerFetch ? undefined : this.#fetch();
  }

  #fetch(declaration?: string): Promise<FetchedRow[]> {
    const fetched = this.#readBatch(declaration);
    // It is awaited a batch later; until then Node would take its failure for an unhandled rejection.
    fetched.catch(() => {});
    return fetched;
  }

  async #readBatch(declaration?: string): Promise<FetchedRow[]> {
    if (declaration !== undefined) await this.#client.query(declaration);
    const fetch = { text: `fetch ${rowsPerFetch} from sorted_rows`, rowMode: 'array' } as const;
    return (await this.#client.query<FetchedRow>(fetch)).rows;
  }
}
