import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { layoutOf } from '../../../services/ingestion/source/layout.ts';
import type { Relation } from '../../../services/ingestion/source/relations.ts';
import type { UsableTable } from '../../../services/ingestion/source/tables.ts';
import {
  findLineFields,
  findUnknown,
  isAsModel,
  type LineFields,
} from '../../../services/transformation/rows/line-fields.ts';
import { transformRows } from '../../../services/transformation/rows/transform-rows.ts';
import { defineDimension, int } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { parseQuarantineFile } from '../../../shared/records/quarantine-file.ts';

const optional = { nullable: true };
const model = assembleModel({
  name: 'test',
  tables: [
    defineDimension({
      name: 'dim_thing',
      source: {
        table: 'thing',
        key: ['a'],
        columns: { a: 'int4', b: 'int4?', c: 'int4?' },
        joins: [
          { path: 'near', table: 'place', match: { a: 'id' }, columns: { b: 'int4?' } },
          { path: 'near.far', from: 'near', table: 'place', match: { up: 'id' }, columns: { b: 'int4?' } },
        ],
      },
      key: ['a'],
      columns: { a: int('a'), b: int('b', optional), far: int('near.far.b', optional) },
    }),
  ],
});
const table = model.source('thing');

/** @param columns their names, by their numbers */
const relation = (name: string, oid: string, columns: Record<number, string>): Relation => ({
  name,
  oid,
  kind: 'r',
  mayBeRead: true,
  hidesRows: false,
  members: [],
  deletes: '',
  updates: '',
  ledBy: [],
  fileNodes: [],
  isUnlogged: false,
  rows: 0,
  fileNode: '',
  columns: Object.entries(columns).map(([number, column]) => ({
    number: Number(number),
    name: column,
    typeOid: 23,
    typeKind: 'b',
    typeCategory: 'N',
    typeName: 'integer',
    generatedAs: null,
    attributes: null,
    isNotNull: false,
  })),
  labels: {},
  uniqueKeys: [],
  pages: 0,
});

const thingColumns = { 1: 'a', 2: 'b', 3: 'c' };
const placeColumns = { 1: 'id', 2: 'up', 3: 'b' };
const layout = ({
  database = 'one',
  thing = relation('thing', '100', thingColumns),
  place = relation('place', '200', placeColumns),
} = {}) => {
  const usable: UsableTable = {
    table,
    relation: thing,
    relations: new Map([
      ['thing', thing],
      ['place', place],
    ]),
    fingerprint: '',
    labels: {},
    columns: [],
    unknownColumns: [],
  };
  return layoutOf(usable, database);
};

const namesOf = (older: ReturnType<typeof layout>, newest: ReturnType<typeof layout>) =>
  Object.fromEntries(findLineFields(table.fields, older, newest).names);
const own = { a: 'a', b: 'b', c: 'c', 'near.b': 'near.b', 'near.far.b': 'near.far.b' };

describe('the fields of an older layout', () => {
  const swapped = relation('thing', '100', { 1: 'a', 3: 'b', 2: 'c' });
  it.each([
    ['the names of the same layout', layout(), layout(), own],
    [
      'the other name of two that were swapped',
      layout(),
      layout({ thing: swapped }),
      { ...own, b: 'c', c: 'b' },
    ],
    [
      'nothing for a column that was dropped, though another one has its name',
      layout(),
      layout({ thing: relation('thing', '100', { 1: 'a', 4: 'b', 3: 'c' }) }),
      { a: 'a', c: 'c', 'near.b': 'near.b', 'near.far.b': 'near.far.b' },
    ],
    [
      'their names where the table was made anew',
      layout(),
      layout({ thing: relation('thing', '101', { 1: 'a', 3: 'b', 2: 'c' }) }),
      own,
    ],
    [
      'their names where the database is another one',
      layout(),
      layout({ database: 'two', thing: swapped }),
      own,
    ],
    [
      'their names for a joined table that was made anew, and columns for the rest',
      layout(),
      layout({ thing: swapped, place: relation('place', '201', { 1: 'id', 4: 'up', 2: 'b' }) }),
      { ...own, b: 'c', c: 'b' },
    ],
    [
      'nothing behind a join that goes by another column now',
      layout(),
      layout({ place: relation('place', '200', { 1: 'id', 2: 'b', 3: 'up' }) }),
      { a: 'a', b: 'b', c: 'c' },
    ],
  ])('are %s', (_title, older, newest, expected) => {
    expect(namesOf(older, newest)).toEqual(expected);
  });

  it('are never clear text in place of a masked value, nor what another key has made', () => {
    const masked = table.fields.map((field) =>
      field.name === 'a' ? { ...field, type: 'masked' as const } : field,
    );
    const maskedBy = (mask: string | undefined) => {
      const { fields, ...rest } = layout();
      return {
        ...rest,
        fields: fields.map((field) => (field.name === 'a' && mask ? { ...field, mask } : field)),
      };
    };
    const find = (fields: typeof table.fields, older?: string, newest?: string) =>
      findLineFields(fields, maskedBy(older), maskedBy(newest));
    for (const [older, newest] of [
      [undefined, 'k1'],
      [undefined, undefined],
      ['k1', 'k2'],
    ]) {
      const { names, isClear } = find(masked, older, newest);
      expect([names.has('a'), names.get('b'), isClear]).toEqual([false, 'b', true]);
    }
    for (const newest of ['k1', undefined]) {
      const { names, isClear } = find(masked, 'k1', newest);
      expect([names.get('a'), isClear]).toEqual(['a', undefined]);
    }
    // Nor is a masked value taken for a clear one.
    expect(find(table.fields, 'k1', undefined).names.has('a')).toBe(false);
  });

  it('are the columns that they were, whatever they are called and in whatever order they come', () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { minLength: 3, maxLength: 3 });
    const columnsOf = ([a = 0, b = 0, c = 0]: readonly number[]) => ({ [a]: 'a', [b]: 'b', [c]: 'c' });
    fc.assert(
      fc.property(numbers, numbers, (then, now) => {
        const older = layout({ thing: relation('thing', '100', columnsOf(then)) });
        const newest = layout({ thing: relation('thing', '100', columnsOf(now)) });
        const names = namesOf(older, newest);
        for (const [index, name] of ['a', 'b', 'c'].entries()) {
          const at = then.indexOf(now[index] ?? 0);
          expect(names[name]).toBe(['a', 'b', 'c'][at]);
        }
      }),
    );
  });

  it('are as the model has them only where each has its own name', () => {
    expect(isAsModel(findLineFields(table.fields, layout(), layout()), table.fields)).toBe(true);
    const changed = findLineFields(table.fields, layout(), layout({ thing: swapped }));
    expect(isAsModel(changed, table.fields)).toBe(false);
  });

  it('are not known where the newest layout is of a model without them', () => {
    const { fields, ...rest } = layout();
    const without = { ...rest, fields: fields.filter(({ name }) => name !== 'b') };
    expect(findUnknown(table.fields, without)).toEqual(['b']);
    expect(findUnknown(table.fields, layout())).toEqual([]);
  });
});

describe('a line of an older layout', () => {
  const thing = model.table('dim_thing');
  const transform = async (line: Record<string, number>, lines: LineFields) => {
    if (thing.kind === 'calendar') throw new TypeError('not a dimension');
    const chunks = Readable.from([Buffer.from(`${JSON.stringify(line)}\n`)]);
    const made = await transformRows(chunks, thing, undefined, { isOlder: true, lines });
    const { rows } = parseQuarantineFile('quarantine/a.ndjson', made.quarantine.toFile());
    return rows.map(({ key, column, reason }) => `${key}: ${column} ${reason}`);
  };
  const lineFields = (names: Record<string, string>): LineFields => ({
    names: new Map(Object.entries(names)),
    all: new Set(['id', 'b', 'old']),
  });

  it('is a bad row where it does not have what its layout has, or has more', async () => {
    const fields = lineFields({ a: 'id', b: 'b' });
    expect(await transform({ id: 1, b: 2, old: 3 }, fields)).toEqual([]);
    expect(await transform({ id: 1, b: 2 }, fields)).toEqual(['1: old is missing']);
    expect(await transform({ id: 1, b: 2, old: 3, c: 4 }, fields)).toEqual(['1: c is not in the model']);
  });

  it('is a bad row where it lacks what must not be null, though another field has that name', async () => {
    expect(await transform({ id: 1, b: 2, old: 3 }, lineFields({ b: 'b' }))).toEqual(['null: a is missing']);
  });
});
