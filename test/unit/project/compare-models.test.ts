import { describe, expect, it } from '@jest/globals';
import { allowNullInAdded, compareModels, describeFinding } from '../../../cli/project/compare-models.ts';
import type {
  CalendarDefinition,
  ColumnDefinition,
  FactDefinition,
  ModelDefinition,
  TableDefinition,
  WarehouseType,
} from '../../../shared/model/define.ts';

const of = (field: string, type: WarehouseType, options: Partial<ColumnDefinition> = {}) => ({
  type,
  from: { kind: 'field', field } as const,
  nullable: false,
  ...options,
});

const fact: FactDefinition = {
  kind: 'fact',
  name: 'fact_rental',
  source: { table: 'rental', key: ['id'], columns: { id: 'int4', at: 'timestamp', price: 'numeric(10,2)?' } },
  key: ['id'],
  versions: ['at'],
  surrogateKey: 'rental_number',
  columns: {
    id: of('id', { name: 'int' }),
    at: of('at', { name: 'timestamp' }),
    price: of('price', { name: 'numeric', precision: 10, scale: 2 }, { nullable: true }),
  },
};
const calendar: CalendarDefinition = {
  kind: 'calendar',
  name: 'dim_date',
  key: 'date_id',
  columns: { date_id: { type: { name: 'date' }, nullable: false } },
};
const kept: TableDefinition = {
  kind: 'ingested only',
  source: { table: 'kept', key: ['id'], columns: { id: 'int4' } },
};
const model = (...tables: TableDefinition[]): ModelDefinition => ({ name: 'rental', tables, lookups: {} });
const inForce = model(fact, calendar, kept);
const changesOf = (table: TableDefinition) => compareModels(inForce, model(table, calendar, kept));
const columnsWith = (columns: Record<string, ColumnDefinition>) => ({ ...fact.columns, ...columns });

describe('the comparison of a model with the one in force', () => {
  it('finds nothing where nothing has changed', () => {
    expect(compareModels(inForce, structuredClone(inForce))).toEqual([]);
  });

  it.each<[string, ModelDefinition]>([
    [
      'a new table',
      model(fact, calendar, kept, {
        kind: 'dimension',
        name: 'dim_kept',
        source: kept.source,
        key: ['id'],
        columns: { id: of('id', { name: 'int' }) },
      }),
    ],
    ['a table that is gone', model(calendar, kept)],
    [
      'a new column that may be null',
      model({ ...fact, columns: columnsWith({ note: of('note', { name: 'text' }, { nullable: true }) }) }),
    ],
    ['a new lookup', { ...inForce, lookups: { currencies: { GBP: 'Pound Sterling' } } }],
    [
      'a column that may be null from now on',
      model({ ...fact, columns: columnsWith({ at: of('at', { name: 'timestamp' }, { nullable: true }) }) }),
    ],
    [
      'another field for a column',
      model({
        ...fact,
        columns: columnsWith({
          price: of('cost', { name: 'numeric', precision: 10, scale: 2 }, { nullable: true }),
        }),
      }),
    ],
    [
      'a column that may be null and is gone',
      model({ ...fact, columns: { id: of('id', { name: 'int' }), at: of('at', { name: 'timestamp' }) } }),
    ],
    [
      'the columns in another order',
      model({ ...fact, columns: Object.fromEntries(Object.entries(fact.columns).reverse()) }),
    ],
  ])('allows %s', (_, next) => {
    expect(compareModels(inForce, next)).toEqual([]);
  });

  it('takes varchar and text for each other, as the warehouse does', () => {
    const named = (name: 'text' | 'varchar') =>
      model({ ...fact, columns: columnsWith({ note: of('note', { name }, { nullable: true }) }) });
    expect(compareModels(named('varchar'), named('text'))).toEqual([]);
    expect(compareModels(named('text'), named('varchar'))).toEqual([]);
  });

  it.each<[string, TableDefinition, string[]]>([
    [
      'another kind',
      { kind: 'table', name: 'fact_rental', source: fact.source, key: fact.key, columns: fact.columns },
      ['fact_rental: the kind is fact in the model in force, and would be table'],
    ],
    [
      'another source',
      { ...fact, source: { ...fact.source, schema: 'archive' } },
      ['fact_rental: the source is rental in the model in force, and would be archive.rental'],
    ],
    [
      'another key',
      { ...fact, key: ['id', 'at'] },
      ['fact_rental: the key is id in the model in force, and would be at, id'],
    ],
    [
      'other versions',
      { ...fact, versions: [] },
      ['fact_rental: the versions are at in the model in force, and would be the latest state only'],
    ],
    [
      'another surrogate key',
      { ...fact, surrogateKey: 'number' },
      ['fact_rental: the surrogate key is rental_number in the model in force, and would be number'],
    ],
    [
      'another type',
      { ...fact, columns: columnsWith({ id: of('id', { name: 'bigint' }) }) },
      ['fact_rental.id is int in the model in force, and would be bigint'],
    ],
    [
      'another precision',
      {
        ...fact,
        columns: columnsWith({
          price: of('price', { name: 'numeric', precision: 12, scale: 2 }, { nullable: true }),
        }),
      },
      ['fact_rental.price is numeric(10,2) in the model in force, and would be numeric(12,2)'],
    ],
    [
      'a new column that may not be null',
      {
        ...fact,
        columns: { id: of('id', { name: 'int' }), when: of('at', { name: 'timestamp' }) },
        versions: ['at'],
      },
      [
        'fact_rental.when is not in the model in force, and the rows that are there have no value for it: a new column has to allow null',
      ],
    ],
  ])('refuses %s, and names both sides', (_, table, messages) => {
    expect(changesOf(table).map(describeFinding)).toEqual(messages);
  });

  it('lets columns be null that a table with rows gets later, and stays by that', () => {
    const note = of('note', { name: 'text' });
    const next = model({ ...fact, columns: columnsWith({ note }) });
    const published = allowNullInAdded(inForce, next);
    expect(compareModels(inForce, published)).toEqual([]);
    expect(published).toEqual(
      model({ ...fact, columns: columnsWith({ note: { ...note, nullable: true } }) }),
    );
    expect(allowNullInAdded(published, next)).toEqual(published);
    expect(allowNullInAdded(inForce, inForce)).toEqual(inForce);
  });

  it('tells where a finding is', () => {
    expect(changesOf({ ...fact, columns: columnsWith({ id: of('id', { name: 'bigint' }) }) })).toEqual([
      { table: 'fact_rental', column: 'id', what: 'type', inForce: 'int', next: 'bigint' },
    ]);
    const wider = {
      ...calendar,
      columns: { ...calendar.columns, year: { type: { name: 'int' }, nullable: false } },
    } as const;
    expect(compareModels(inForce, model(fact, wider))).toEqual([
      { table: 'dim_date', column: 'year', what: 'column', inForce: 'none', next: 'not null' },
    ]);
  });
});
