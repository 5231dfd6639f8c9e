import type pg from 'pg';
import {
  anyOrder,
  type ColumnType,
  inRow,
  isInteger,
  isUuid,
  isWrittenAsNumber,
  textOf,
} from './databases/postgres-types.ts';
import { formatRecordText, parseRecordText } from './record-text.ts';

const rowsPerFetch = 5000;

/**
 * What a row of the warehouse says of deletes:
 * - `marked`: the source does not have its key
 * - `seen`: the census that decides for its key is newer than the row, and has not marked it; with the number of the part
 * - `unseen`: no census is newer than the row
 * - `kept`: the table keeps rows whose key is gone
 */
export type Mark = 'marked' | `seen ${number}` | 'unseen' | 'kept';

/** One row of either side, rendered by its own server: equal rows are equal texts. */
export interface SortedRow {
  /** The texts of the key's columns, by which rows are ordered; null sorts last. */
  key: readonly (string | null)[];
  /** All columns as the text of a Postgres row, in which '' is not null. */
  values: string;
  /** Of the source: the warehouse need not have it yet. Of the warehouse: it waits, and is not in the table. */
  isPending: boolean;
  /** Of a row of the warehouse whose table has marks. */
  mark?: Mark;
  /** The same of what the row must be by its own key, where that can be told. */
  ownTruth?: string;
}

/** Rows of either side, as a query for them. */
export interface RowsQuery {
  /** Its columns are c0, c1, …, is_pending, and perhaps mark. */
  query: string;
  hasMarks?: boolean;
  /** Of c0, c1, … */
  types: readonly ColumnType[];
  /** The first of them are the business key's. */
  orders: readonly KeyOrder[];
  /** So many after them tell the versions of a key apart; 0 where there is one row a key. */
  versions: number;
  /** Whether the server's own encoding is UTF8. */
  isUtf8: boolean;
  /** SQL for what each column must be by the row's own key. */
  ownTruth?: readonly string[];
  /** Completes the texts of a row. */
  complete?: (values: (string | null)[]) => (string | null)[];
}

/** How both servers, and we, order a column of the key: as integers, as uuids, or by the bytes of its text in UTF-8. */
export type KeyOrder = 'integer' | 'uuid' | 'bytes';

/** The order that both servers have in common for a column of these types; undefined where one has numbers and one has not. */
export function findKeyOrder(expected: ColumnType, found: ColumnType): KeyOrder | undefined {
  if (isInteger(expected) && isInteger(found)) return 'integer';
  if (isWrittenAsNumber(expected) !== isWrittenAsNumber(found)) return undefined;
  // The digits of a uuid are lower case in any text of it, and its bytes are in their order.
  return isUuid(expected) && isUuid(found) ? 'uuid' : 'bytes';
}

/** Whether a row comes before another one of another key. */
export function isBefore(a: SortedRow, b: SortedRow, orders: readonly KeyOrder[]): boolean {
  for (const [index, order] of orders.entries()) {
    const [left = null, right = null] = [a.key[index], b.key[index]];
    if (left === right) continue;
    if (left === null || right === null) return right === null;
    if (order === 'integer') return BigInt(left) < BigInt(right);
    // The order of JavaScript's own strings is that of UTF-16.
    return Buffer.compare(Buffer.from(left), Buffer.from(right)) < 0;
  }
  return false;
}

export const isSameKey = (a: SortedRow, b: SortedRow): boolean =>
  a.key.every((part, index) => part === b.key[index]);

function writeQuery({ query, types, orders, versions, isUtf8, ownTruth, hasMarks }: RowsQuery): string {
  // With the alias: by itself a name in `order by` is that of a text in the select list.
  const columns = types.map((type, index) => ({ sql: `sorted.c${index}`, type }));
  const key = columns.slice(0, orders.length);
  const versionColumns = columns.slice(orders.length, orders.length + versions);
  const order = [
    ...key.map(({ sql, type }, at) =>
      orders[at] === 'bytes' ? orderByBytes(textOf(sql, type), isUtf8) : sql,
    ),
    ...versionColumns.map(({ sql, type }) => anyOrder(sql, type)),
  ];
  const list = [
    'is_pending',
    // Twice as fast as an array of texts, and as unambiguous.
    `row(${columns.map(({ sql, type }) => inRow(sql, type)).join(', ')})::text`,
    ownTruth === undefined ? 'null' : `row(${ownTruth.join(', ')})::text`,
    hasMarks === true ? 'mark' : 'null',
    ...key.map(({ sql, type }) => textOf(sql, type)),
  ];
  return `select ${list.join(', ')} from (${query}) as sorted order by ${order.join(', ')}`;
}

const orderByBytes = (text: string, isUtf8: boolean): string =>
  isUtf8 ? `(${text}) collate "C"` : `convert_to(${text}, 'UTF8')`;

type FetchedRow = [
  isPending: boolean,
  values: string,
  ownTruth: string | null,
  mark: Mark | null,
  ...key: (string | null)[],
];

/** A cursor that reads one batch ahead, so that both servers work while rows are compared. Memory is flat at any size. */
export class SortedRows {
  readonly #client: pg.Client;
  readonly #query: RowsQuery;
  #batch: FetchedRow[] = [];
  #next = 0;
  #ahead: Promise<FetchedRow[]> | undefined;

  constructor(client: pg.Client, query: RowsQuery) {
    this.#client = client;
    this.#query = query;
  }

  /** Within a transaction that is open already; one at a time on a client. A failure shows at `next`. */
  start(): void {
    this.#ahead = this.#fetch(`declare sorted_rows no scroll cursor for ${writeQuery(this.#query)}`);
  }

  /** @returns undefined after the last row */
  async next(): Promise<SortedRow | undefined> {
    if (this.#next === this.#batch.length) await this.#turnBatch();
    const row = this.#batch[this.#next];
    if (row === undefined) return undefined;
    this.#next += 1;
    const [isPending, values, ownTruth, mark, ...key] = row;
    return {
      key,
      values: this.#complete(values),
      isPending,
      ...(ownTruth !== null && { ownTruth }),
      ...(mark !== null && { mark }),
    };
  }

  async close(): Promise<void> {
    await this.#ahead?.catch(() => {});
    await this.#client.query('close sorted_rows');
  }

  #complete(values: string): string {
    const { complete } = this.#query;
    return complete === undefined ? values : formatRecordText(complete(parseRecordText(values)));
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
