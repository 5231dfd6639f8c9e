import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { RowRandom } from '../../models/totesys/sample/random.ts';

/** A source database that the product knows nothing of. */
export interface ForeignModel {
  name: string;
  /** Makes the rows of the empty tables; the same seed makes the same rows. */
  fill(source: pg.Client, seed: number): Promise<void>;
  /** Changes that leave every key in its table. */
  change(source: pg.Client): Promise<void>;
  /**
   * Updates keys, and says how many rows each warehouse table has then that the source does not have any more.
   *
   * @param isMirror the warehouse's tables have the source's names
   */
  moveKeys(source: pg.Client, isMirror: boolean): Promise<Record<string, number>>;
  /** By warehouse table: its columns by name, made of the source by hand. */
  queries: Readonly<Record<string, string>>;
  /** The other warehouse tables, each of which has columns of one source table alone. */
  copies: Readonly<Record<string, string>>;
  /** The tables that keep every version of a row that a run has seen, and what tells those apart. */
  histories?: Readonly<Record<string, readonly string[]>>;
}

/** Makes the empty tables of a model: its SQL lies beside this file. */
export async function makeTables(source: pg.Client, name: string): Promise<void> {
  const { rows } = await source.query("select from pg_available_extensions where name = 'citext'");
  // Where the server comes without it.
  await source.query(rows.length > 0 ? 'create extension citext' : 'create domain citext as text');
  await source.query(await readFile(fileURLToPath(new URL(`${name}.sql`, import.meta.url)), 'utf8'));
}

/** Inserts rows; values are such as Postgres reads from JSON. */
export async function insertRows(
  source: pg.Client,
  table: string,
  rows: readonly Record<string, unknown>[],
): Promise<void> {
  const columns = Object.keys(rows[0] ?? {})
    .map((column) => `"${column.replaceAll('"', '""')}"`)
    .join(', ');
  await source.query(
    `insert into ${table} (${columns}) select ${columns} from json_populate_recordset(null::${table}, $1)`,
    [JSON.stringify(rows)],
  );
}

/** Draws the rows of one table from the seed, each from its own numbers. */
export function drawRows(
  seed: number,
  table: string,
  count: number,
  draw: (row: number, random: Draw) => Record<string, unknown>,
): Record<string, unknown>[] {
  const random = new Draw(seed, table);
  return Array.from({ length: count }, (_, row) => draw(row, random.at(row)));
}

const words =
  'amber birch cedar delta ember flint grove heron ivory jade kelp lotus maple night onyx pearl'.split(' ');

/** Texts that a careless writer of COPY, CSV, JSON or YAML would change. */
export const hostileTexts: readonly string[] = [
  '',
  ' ',
  '\\N',
  '\\',
  '\\.',
  'null',
  'a\tb\nc\rd\u000b',
  '"quoted", \'single\' and `back`',
  '{"a": [1, null]}',
  '\u0001\u001f\u007f\u0085\u2028\u2029',
  '\ufeffbyte order mark',
  'ﬁ Ångström e\u0301 \u200bzero width\u202eright to left',
  '😀🏳️‍🌈\u{10ffff}',
  '$1 %s $' + '{name} :name; drop table customer; --',
  '0x1F 1e400 -0 NaN Infinity',
  'long '.repeat(2000),
];

/** What rows are made of. */
export class Draw extends RowRandom {
  one<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)];
    if (value === undefined) throw new Error('there is nothing to draw from');
    return value;
  }

  maybe<T>(value: T): T | null {
    return this.oneIn(5) ? null : value;
  }

  text(count = this.between(1, 6)): string {
    if (this.oneIn(12)) return this.one(hostileTexts);
    return Array.from({ length: count }, () => this.one(words)).join(' ');
  }

  word(): string {
    return this.one(words);
  }

  digits(count: number): string {
    return Array.from({ length: count }, () => this.below(10)).join('');
  }

  decimal(most: number, scale = 2): string {
    return `${this.below(most)}.${this.digits(scale)}`;
  }

  /** Of 2024. */
  date(): string {
    return new Date(Date.UTC(2024, 0, 1 + this.below(366))).toISOString().slice(0, 10);
  }

  /** Of 2024, with microseconds. */
  moment(): string {
    const time = new Date(Date.UTC(2024, 0, 1) + this.below(366 * 86_400) * 1000).toISOString();
    return `${time.slice(0, 19)}.${this.digits(6)}+00`;
  }

  /** An id that sorts by the row's number, as version 7 does by its time. */
  uuid(row: number): string {
    const time = (1_704_067_200_000 + row * 1000).toString(16).padStart(12, '0');
    const hex = (count: number) => Array.from({ length: count }, () => this.below(16).toString(16)).join('');
    return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(3)}-8${hex(3)}-${hex(12)}`;
  }
}
