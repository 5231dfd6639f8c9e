import { describe, expect, it } from '@jest/globals';
import type { DimensionDefinition, FactDefinition } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { compile, dimCustomer, type Files } from './project-under-test.ts';

/** The one table of the files that has this name. */
function tableOf(name: string, files: Files): DimensionDefinition | FactDefinition {
  const { definition, findings } = compile(files);
  expect(findings).toEqual([]);
  const table = definition.tables.find((each) => each.kind !== 'ingested only' && each.name === name);
  if (table === undefined || table.kind === 'ingested only' || table.kind === 'calendar') {
    throw new Error(`there is no ${name}`);
  }
  return table;
}

const columnsOf = (name: string, files: Files) => tableOf(name, files).columns;

describe('a file without columns', () => {
  const files = { 'tables/t.yml': 'table: copy_of_rental\nfrom: rental\n' };

  it('has every column of the lock, with the nearest type and the nullability of the source', () => {
    const columns = Object.entries(columnsOf('copy_of_rental', files)).map(([name, { type, nullable }]) => [
      name,
      'precision' in type
        ? `${type.name}(${type.precision},${type.scale})`
        : 'sql' in type
          ? type.sql
          : type.name,
      nullable,
    ]);
    expect(columns).toEqual([
      ['rental_id', 'bigint', false],
      ['customer_id', 'int', false],
      ['paid_by', 'int', true],
      ['rented_at', 'timestamp', false],
      ['returned_on', 'date', true],
      ['day_code', 'text', false],
      ['amount', 'numeric(8,2)', false],
      ['currency_code', 'text', false],
      ['tags', 'text[]', true],
      ['modified_at', 'timestamptz', false],
    ]);
  });

  it('leaves out what is excluded, in the warehouse and in the extract', () => {
    const excluding = { ...files, 'starlift.yml': 'sources: { rental: { exclude: [amount, tags] } }\n' };
    const { columns, source } = tableOf('copy_of_rental', excluding);
    expect(Object.keys(columns)).not.toContain('amount');
    expect(Object.keys(source.columns)).toEqual(Object.keys(columns));
  });
});

describe('a key', () => {
  it('is the primary key, under the name that the warehouse has for it', () => {
    const { key, source } = tableOf('stock', {
      'tables/t.yml': 'table: stock\nfrom: stock\ncolumns:\n  thing: { from: item }\n  shop:\n  count:\n',
    });
    expect([key, source.key]).toEqual([
      ['shop', 'thing'],
      ['shop', 'item'],
    ]);
  });

  it('may be another unique index whose columns are never null', () => {
    const { key } = tableOf('stock', {
      'tables/t.yml': 'table: stock\nfrom: stock\nkey: [item, shop]\n',
    });
    expect(key).toEqual(['item', 'shop']);
  });
});

describe('a path', () => {
  it('follows foreign keys, by the names of the tables', () => {
    const { source, columns } = tableOf('dim_address', {
      'tables/t.yml':
        'dimension: dim_address\nfrom: address\ncolumns: { address_id: , country: { from: country.name } }\n',
    });
    expect(columns.country).toEqual({
      type: { name: 'text' },
      from: { kind: 'field', field: 'country.name' },
      nullable: true,
    });
    expect(source.joins).toEqual([
      { path: 'country', table: 'country', match: { country_code: 'code' }, columns: { name: 'varchar' } },
    ]);
  });

  it('goes by the name of a join, and on from there', () => {
    const { source } = tableOf('fact_rental', {
      'tables/t.yml': `
fact: fact_rental
from: rental
columns:
  rental_id:
  payer_country: { from: payer.home.country.name }
  payer: { from: payer.full_name }
joins:
  payer: { table: customer, match: { paid_by: customer_id } }
  payer.home: { table: address, match: { home_id: address_id } }
`,
    });
    expect(source.joins).toEqual([
      {
        path: 'payer',
        table: 'customer',
        match: { paid_by: 'customer_id' },
        columns: { full_name: 'varchar' },
      },
      { path: 'payer.home', from: 'payer', table: 'address', match: { home_id: 'address_id' }, columns: {} },
      {
        path: 'payer.home.country',
        from: 'payer.home',
        table: 'country',
        match: { country_code: 'code' },
        columns: { name: 'varchar' },
      },
    ]);
  });

  it('ends in a column that may not be null where the file says so', () => {
    const { country } = columnsOf('dim_address', {
      'tables/t.yml':
        'dimension: dim_address\nfrom: address\ncolumns: { address_id: , country: { from: country.name, nullable: false } }\n',
    });
    expect(country?.nullable).toBe(false);
  });
});

describe('as', () => {
  const made = (column: string) =>
    columnsOf('fact_rental', {
      'starlift.yml': 'warehouse: { calendar: dim_date }\n',
      'tables/t.yml': `fact: fact_rental\nfrom: rental\ncolumns:\n  rental_id:\n  made: ${column}\n`,
    }).made;

  it.each([
    ['{ from: rented_at, as: date }', { name: 'date' }, 'date of'],
    ['{ from: modified_at, as: date }', { name: 'date' }, 'date of'],
    ['{ from: day_code, as: date }', { name: 'date' }, 'date'],
    ['{ from: returned_on, as: date }', { name: 'date' }, 'field'],
    ['{ from: rented_at, as: time }', { name: 'time' }, 'time of'],
    ['{ from: tags, as: text }', { name: 'text' }, 'text'],
    ['{ from: amount, as: text }', { name: 'text' }, 'text'],
    ['{ from: currency_code, as: varchar }', { name: 'varchar' }, 'field'],
    ['{ from: amount, as: "numeric(20,4)" }', { name: 'numeric', precision: 20, scale: 4 }, 'field'],
    ['{ from: customer_id, as: "numeric(10, 0)" }', { name: 'numeric', precision: 10, scale: 0 }, 'field'],
  ])('%s makes what it says', (column, type, kind) => {
    expect(made(column)).toMatchObject({ type, from: { kind } });
  });
});

describe('a reference', () => {
  it('has the type of the key that it names', () => {
    const files = {
      'tables/d.yml': 'dimension: dim_rental\nfrom: rental\n',
      'tables/f.yml':
        'fact: fact_stock\nfrom: stock\ncolumns: { shop: , item: { references: dim_rental }, count: }\n',
    };
    expect(columnsOf('fact_stock', files).item?.type).toEqual({ name: 'bigint' });
  });

  it('of a date names the calendar', () => {
    const files = {
      'starlift.yml': 'warehouse: { calendar: days }\n',
      'tables/f.yml':
        'fact: f\nfrom: rental\ncolumns: { rental_id: , day: { from: rented_at, as: date, references: days } }\n',
    };
    expect(columnsOf('f', files).day?.references).toBe('days');
  });
});

describe('versions', () => {
  const versionsOf = (columns: string) => {
    const fact = tableOf('f', {
      'tables/f.yml': `fact: f\nfrom: rental\nversions: modified_at\ncolumns:\n  rental_id:\n${columns}`,
    });
    return fact.kind === 'fact' ? fact.versions : undefined;
  };

  it('are told apart by the column that is made whole of the source', () => {
    const columns = '  day: { from: modified_at, as: date }\n  changed: { from: modified_at }\n';
    expect(versionsOf(columns)).toEqual(['changed']);
  });

  it('are told apart by its date and its time where there is no such column', () => {
    const columns = '  clock: { from: modified_at, as: time }\n  day: { from: modified_at, as: date }\n';
    expect(versionsOf(columns)).toEqual(['day', 'clock']);
  });

  it('are not kept where the file does not say so', () => {
    expect(tableOf('f', { 'tables/f.yml': 'fact: f\nfrom: rental\n' })).toMatchObject({ versions: [] });
  });
});

describe('a lookup', () => {
  const files = {
    'lookups/currencies.csv': '\ufeffcode,name\r\nGBP,Pound Sterling\r\nXXX,"No, ""currency"""\r\n\r\n',
    'tables/t.yml':
      'table: t\nfrom: rental\ncolumns: { rental_id: , name: { from: currency_code, lookup: currencies, else: "null" } }\n',
  };

  it('is a CSV file with quotes, any line ends and a byte order mark', () => {
    expect(compile(files).definition.lookups).toEqual({
      currencies: { GBP: 'Pound Sterling', XXX: 'No, "currency"' },
    });
  });

  it('makes a column that may be null where null stands in', () => {
    expect(columnsOf('t', files).name).toEqual({
      type: { name: 'text' },
      from: { kind: 'lookup', field: 'currency_code', lookup: 'currencies', else: 'null' },
      nullable: true,
    });
  });
});

describe('a project', () => {
  it('keeps a source table in S3 that no table is made from', () => {
    const { definition, reads } = compile({ 'starlift.yml': 'sources: { country: { keep: true } }\n' });
    expect(definition.tables).toEqual([
      {
        kind: 'ingested only',
        source: { table: 'country', key: ['code'], columns: { code: 'varchar', name: 'varchar' } },
      },
    ]);
    expect([...reads]).toEqual(['country']);
  });

  it('has its name from the file', () => {
    expect(compile({ 'starlift.yml': 'name: rentals\n' }).definition.name).toBe('rentals');
  });

  it('reads the tables that paths lead to, too', () => {
    const { reads } = compile({ 'tables/t.yml': `${dimCustomer}columns: { customer_id: }\n` });
    expect([...reads]).toEqual(['customer']);
    const joined = compile({
      'tables/t.yml':
        'dimension: d\nfrom: address\ncolumns: { address_id: , country: { from: country.name } }\n',
    });
    expect([...joined.reads]).toEqual(['address', 'country']);
  });
});

describe('a dimension with a history', () => {
  const files = { 'tables/t.yml': `${dimCustomer}history: true\ndeletes: keep\nwas: dim_client\n` };

  it('has a second table with its versions, which names no other and is named by none', () => {
    const [dimension, versions] = [tableOf('dim_customer', files), tableOf('dim_customer__versions', files)];
    expect(dimension).not.toHaveProperty('history');
    const { name, kind, was, history, ...others } = versions as DimensionDefinition;
    expect([name, kind, was, history]).toEqual([
      'dim_customer__versions',
      'table',
      'dim_client__versions',
      true,
    ]);
    expect(others).toEqual({ ...others, key: dimension.key, source: dimension.source, deletes: 'keep' });
    expect(Object.keys(others.columns)).toEqual(Object.keys(dimension.columns));
    expect(Object.values(others.columns).some((column) => 'references' in column)).toBe(false);
    expect(assembleModel(compile(files).definition).source('customer').feeds).toEqual([
      'dim_customer',
      'dim_customer__versions',
    ]);
  });

  it('has none without it', () => {
    const { definition } = compile({ 'tables/t.yml': `${dimCustomer}history: false\n` });
    expect(definition.tables.map((table) => 'name' in table && table.name)).not.toContain(
      'dim_customer__versions',
    );
  });
});

describe('what becomes of deleted rows', () => {
  const deletesOf = (name: string, contents: string, starlift = 'name: shop\n') =>
    tableOf(name, { 'starlift.yml': starlift, 'tables/t.yml': contents }).deletes;
  const removing = 'warehouse: { deletes: remove }\n';

  it('is what the table says, else what the warehouse says, else that they are marked', () => {
    const copy = 'table: t\nfrom: rental\n';
    expect(deletesOf('t', copy)).toBeUndefined();
    expect(deletesOf('t', copy, removing)).toBe('remove');
    expect(deletesOf('t', `${copy}deletes: keep\n`, removing)).toBe('keep');
    expect(deletesOf('t', `${copy}deletes: mark\n`, removing)).toBeUndefined();
  });

  it('is never that they are removed from a dimension, or from a fact with versions', () => {
    expect(deletesOf('dim_customer', dimCustomer, removing)).toBeUndefined();
    expect(deletesOf('f', 'fact: f\nfrom: rental\nversions: modified_at\n', removing)).toBeUndefined();
    expect(deletesOf('f', 'fact: f\nfrom: rental\n', removing)).toBe('remove');
    const definition = tableOf('f', { 'tables/t.yml': 'fact: f\nfrom: rental\nversions: modified_at\n' });
    const model = { name: 'test', tables: [{ ...definition, deletes: 'remove' as const }] };
    expect(() => assembleModel(model)).toThrow('f cannot remove deleted rows: it keeps every version');
  });

  it('is not held for a table without a guard', () => {
    const files = { 'tables/t.yml': 'table: t\nfrom: rental\n' };
    const model = (starlift: string) =>
      assembleModel(compile({ ...files, 'starlift.yml': starlift }).definition).source('rental');
    expect(model('name: shop\n').isGuarded).toBe(true);
    expect(model('sources: { rental: { guard: none } }\n').isGuarded).toBe(false);
  });

  it('says when a row of it was changed by the versions of its fact, or by the column that is named', () => {
    const fact = { 'tables/f.yml': 'fact: f\nfrom: rental\nversions: modified_at\n' };
    const changedOf = (files: Record<string, string>, starlift = 'name: shop\n') =>
      assembleModel(compile({ ...files, 'starlift.yml': starlift }).definition).source('rental').changed;
    expect(changedOf(fact)).toBe('modified_at');
    expect(changedOf({ 'tables/t.yml': 'table: t\nfrom: rental\n' })).toBeUndefined();
    const named = (column: string) => `sources: { rental: { changed: ${column} } }\n`;
    expect(changedOf({ 'tables/t.yml': 'table: t\nfrom: rental\n' }, named('rented_at'))).toBe('rented_at');
  });

  it.each([
    ['rented_a', 'rental has no column rented_a'],
    ['rental_id', 'only a timestamp says when a row was changed'],
  ])('refuses %s for a column that says when a row was changed', (column, message) => {
    const starlift = `sources: { rental: { changed: ${column} } }\n`;
    const { findings } = compile({ 'tables/t.yml': 'table: t\nfrom: rental\n', 'starlift.yml': starlift });
    expect(findings.map((finding) => finding.message).join()).toContain(message);
  });

  it.each(['exclude: [rented_at]', 'mask: { rented_at: hmac }'])(
    'refuses a column that is to stay in the source for one that says when a row was changed: %s',
    (hidden) => {
      const starlift = `sources: { rental: { changed: rented_at, ${hidden} } }\n`;
      const { findings } = compile({ 'tables/t.yml': 'table: t\nfrom: rental\n', 'starlift.yml': starlift });
      expect(findings.map((finding) => finding.message).join()).toContain('would leave the source');
    },
  );
});
