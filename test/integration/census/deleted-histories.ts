import fc from 'fast-check';
import type { Deletes } from '../../../shared/model/define.ts';
import type { TextRow } from '../../helpers/rows/text-rows.ts';

export const tables = ['dim_colour', 'dim_shape', 'fact_sale'] as const;
export type Table = (typeof tables)[number];

/** What happens to one table of the source, and what is read of it afterwards. */
interface Step {
  table: Table;
  changes: Change[];
  /** Rows that are new since the last extract, the keys of all rows, or both in one snapshot. */
  reads: 'extract' | 'census' | 'both';
  /** Of a census: the keys at which it is cut into parts. */
  cuts: number[];
  /** Which of the parts are read now; the others are read by the next census that goes on with them, in its snapshot. */
  read: boolean[];
  goesOn: boolean;
}

/** From a key, which it includes, to another one. */
interface Part {
  from?: number;
  to?: number;
}

type Change = { kind: 'put'; row: TextRow } | { kind: 'delete'; id: string } | { kind: 'truncate' };

/** An object as an extract or a census has made it; `at` is its version. */
export interface Captured {
  table: Table;
  at: number;
  isCensus: boolean;
  /** Of a census: the keys alone. */
  rows: TextRow[];
  /** Of a census: what it has the keys of, and when the first part of it was read. */
  part?: Part;
  begunAt?: number;
}

export interface History {
  objects: Captured[];
  /** Indexes of the objects, each at least once. */
  order: number[];
}

/** What the model under test makes of the tables. */
export interface Rules {
  /** Of the fact: whether it has a row for each version of a key. */
  hasVersions: boolean;
  deletes: Record<Table, Deletes>;
}

const keyOf: Record<Table, string> = { dim_colour: 'colour_id', dim_shape: 'shape_id', fact_sale: 'sale_id' };
const ids = ['-1', '0', '1', '2'];
const id = fc.constantFrom(...ids);
const word = fc.constantFrom('a', 'b', 'c');

const rowOf: Record<Table, fc.Arbitrary<TextRow>> = {
  dim_colour: fc.record({ colour_id: id, name: word }),
  dim_shape: fc.record({ shape_id: id, name: fc.option(word) }),
  fact_sale: fc.record({
    sale_id: id,
    last_updated_date: fc.constantFrom('1999-12-31', '2024-02-29'),
    last_updated_time: fc.constant('00:00:00'),
    colour_id: id,
    shape_id: fc.option(id),
    note: word,
  }),
};

const versionsOf = (table: Table, { hasVersions }: Rules): readonly string[] =>
  table === 'fact_sale' && hasVersions ? ['last_updated_date', 'last_updated_time'] : [];

export const identify = (table: Table, row: TextRow, rules: Rules): string =>
  [keyOf[table], ...versionsOf(table, rules)].map((column) => row[column]).join('|');

const step: fc.Arbitrary<Step> = fc.constantFrom(...tables).chain((table) =>
  fc.record({
    table: fc.constant(table),
    changes: fc.array(
      fc.oneof(
        { weight: 4, arbitrary: rowOf[table].map((row): Change => ({ kind: 'put', row })) },
        // A key that changes is one that is deleted and another one that is put.
        { weight: 4, arbitrary: id.map((each): Change => ({ kind: 'delete', id: each })) },
        { weight: 1, arbitrary: fc.constant<Change>({ kind: 'truncate' }) },
      ),
      { maxLength: 3 },
    ),
    reads: fc.constantFrom('extract', 'census', 'both'),
    cuts: fc.oneof(fc.constant<number[]>([]), fc.subarray([0, 1, 2])),
    read: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
    goesOn: fc.boolean(),
  }),
);

/** Every dimension row that a fact can name is in the first extract of its table, as a foreign key of the source has it. */
const whole = { cuts: [], read: [true], goesOn: false };
const opened: Step[] = [
  {
    ...whole,
    table: 'dim_colour',
    changes: ids.map((each) => put({ colour_id: each, name: 'first' })),
    reads: 'extract',
  },
  {
    ...whole,
    table: 'dim_shape',
    changes: ids.map((each) => put({ shape_id: each, name: 'first' })),
    reads: 'extract',
  },
];

/** What was written last is captured in the end. A row that is removed comes back with its newest version alone. */
const closed: Step[] = tables.map((table) => ({ ...whole, table, changes: [], reads: 'both' }));

function put(row: TextRow): Change {
  return { kind: 'put', row };
}

/** What the plans have read of a source that changed in these steps. Of equal versions, both were read in one snapshot. */
function capture(steps: readonly Step[]): Captured[] {
  const state = new Map<Table, Map<string, TextRow>>(tables.map((table) => [table, new Map()]));
  const fresh = new Map<Table, Set<string>>(tables.map((table) => [table, new Set()]));
  const left = new Map<Table, { parts: Part[]; begunAt: number }>();
  return steps.flatMap(({ table, changes, reads, cuts, read, goesOn }, at) => {
    const rows = state.get(table) ?? new Map<string, TextRow>();
    const written = fresh.get(table) ?? new Set<string>();
    for (const change of changes) {
      if (change.kind === 'truncate') rows.clear();
      else if (change.kind === 'delete') rows.delete(change.id);
      else {
        rows.set(String(change.row[keyOf[table]]), change.row);
        written.add(String(change.row[keyOf[table]]));
      }
    }
    const extract: Captured = {
      table,
      at,
      isCensus: false,
      rows: [...written].flatMap((key) => [...(rows.has(key) ? [rows.get(key) as TextRow] : [])]),
    };
    if (reads !== 'census') written.clear();
    if (reads === 'extract') return [extract];
    const known = goesOn ? left.get(table) : undefined;
    const { parts, begunAt } = known ?? { parts: partsOf(cuts), begunAt: at };
    // Of one that goes on the rest is read, so that some are whole in the end.
    const isRead = (index: number) => known !== undefined || parts.length === 1 || read[index] === true;
    left.set(table, { parts: parts.filter((_, index) => !isRead(index)), begunAt });
    const censuses = parts
      .filter((_, index) => isRead(index))
      .map(
        (part): Captured => ({
          table,
          at,
          isCensus: true,
          part,
          begunAt,
          rows: [...rows.keys()].filter((key) => isWithin(part, key)).map((key) => ({ [keyOf[table]]: key })),
        }),
      );
    return reads === 'both' ? [extract, ...censuses] : censuses;
  });
}

const partsOf = (cuts: readonly number[]): Part[] =>
  [undefined, ...cuts].map((from, index) => ({
    ...(from !== undefined && { from }),
    ...(cuts[index] !== undefined && { to: cuts[index] }),
  }));

export const isWithin = (
  { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY }: Part,
  key: string,
) => Number(key) >= from && Number(key) < to;

/** @param isClosed whether each table is captured once more in the end */
export const histories = ({ isClosed }: { isClosed: boolean }): fc.Arbitrary<History> =>
  fc
    .array(step, { minLength: 1, maxLength: 12 })
    .map((rest) => capture([...opened, ...rest, ...(isClosed ? closed : [])]))
    .chain((objects) => {
      const each = objects.map((_, index) => index);
      return fc
        .array(fc.constantFrom(...each), { maxLength: 6 })
        .chain((again) => fc.shuffledSubarray([...each, ...again], { minLength: each.length + again.length }))
        .map((order) => ({ objects, order }));
    });

/**
 * What the warehouse must hold of a table: of each row the last version that an extract has seen; deleted where the last
 * census that has read its key's range lacks the key, and came after it. Where deleted rows are kept none is deleted, and where they are removed
 * none of those is there.
 */
export function expected(
  objects: readonly Captured[],
  table: Table,
  rules: Rules,
): (TextRow & { deleted: string })[] {
  const mode = rules.deletes[table];
  const latest = new Map<string, { row: TextRow; at: number }>();
  const censuses: Captured[] = [];
  for (const object of objects.filter((each) => each.table === table)) {
    if (object.isCensus) censuses.push(object);
    else for (const row of object.rows) latest.set(identify(table, row, rules), { row, at: object.at });
  }
  const isDeleted = (row: TextRow, at: number) => {
    const key = String(row[keyOf[table]]);
    const census = censuses.findLast(({ part = {} }) => isWithin(part, key));
    return census !== undefined && census.at > at && !census.rows.some((each) => each[keyOf[table]] === key);
  };
  return [...latest]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { row, at }]) => ({
      ...row,
      deleted: String(mode !== 'keep' && isDeleted(row, at)),
    }))
    .filter(({ deleted }) => mode !== 'remove' || deleted === 'false');
}
