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
}

type Change = { kind: 'put'; row: TextRow } | { kind: 'delete'; id: string } | { kind: 'truncate' };

/** An object as an extract or a census has made it; `at` is its version. */
export interface Captured {
  table: Table;
  at: number;
  isCensus: boolean;
  /** Of a census: the keys alone. */
  rows: TextRow[];
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
  }),
);

/** Every dimension row that a fact can name is in the first extract of its table, as a foreign key of the source has it. */
const opened: Step[] = [
  {
    table: 'dim_colour',
    changes: ids.map((each) => put({ colour_id: each, name: 'first' })),
    reads: 'extract',
  },
  {
    table: 'dim_shape',
    changes: ids.map((each) => put({ shape_id: each, name: 'first' })),
    reads: 'extract',
  },
];

/** What was written last is captured in the end. A row that is removed comes back with its newest version alone. */
const closed: Step[] = tables.map((table) => ({ table, changes: [], reads: 'both' }));

function put(row: TextRow): Change {
  return { kind: 'put', row };
}

/** What the plans have read of a source that changed in these steps. Of equal versions, both were read in one snapshot. */
function capture(steps: readonly Step[]): Captured[] {
  const state = new Map<Table, Map<string, TextRow>>(tables.map((table) => [table, new Map()]));
  const fresh = new Map<Table, Set<string>>(tables.map((table) => [table, new Set()]));
  return steps.flatMap(({ table, changes, reads }, at) => {
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
    const census: Captured = {
      table,
      at,
      isCensus: true,
      rows: [...rows.keys()].map((key) => ({ [keyOf[table]]: key })),
    };
    if (reads !== 'census') written.clear();
    return reads === 'both' ? [extract, census] : [reads === 'extract' ? extract : census];
  });
}

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
 * census of the source lacks its key and came after it. Where deleted rows are kept none is deleted, and where they are removed
 * none of those is there.
 */
export function expected(
  objects: readonly Captured[],
  table: Table,
  rules: Rules,
): (TextRow & { deleted: string })[] {
  const mode = rules.deletes[table];
  const latest = new Map<string, { row: TextRow; at: number }>();
  let census: Captured | undefined;
  for (const object of objects.filter((each) => each.table === table)) {
    if (object.isCensus) census = object;
    else for (const row of object.rows) latest.set(identify(table, row, rules), { row, at: object.at });
  }
  const keys = new Set(census?.rows.map((row) => row[keyOf[table]]));
  return [...latest]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { row, at }]) => ({
      ...row,
      deleted: String(
        mode !== 'keep' && census !== undefined && census.at > at && !keys.has(row[keyOf[table]]),
      ),
    }))
    .filter(({ deleted }) => mode !== 'remove' || deleted === 'false');
}
