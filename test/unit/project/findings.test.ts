import { describe, expect, it } from '@jest/globals';
import { loadProject } from '../../../cli/project/compile/compile.ts';
import { assembleProject } from '../../../cli/project/load-model.ts';
import { dimCustomer, type Files, findingsOf, formatLock, inProject } from './project-under-test.ts';

const fact = 'fact: f\nfrom: rental\ncolumns:\n  rental_id:\n';
const calendar = 'warehouse: { calendar: dim_date }\n';

/** A file tables/t.yml, and what is wrong with it. */
const cases: readonly [what: string, table: string, findings: string[], files?: Files][] = [
  [
    'a misspelt key',
    'fact: f\nfrom: rental\ncolums: {}\n',
    ['line 3: unknown key colums; did you mean columns?'],
  ],
  [
    'a misspelt key of a column',
    `${fact}  paid: { form: amount }\n`,
    ['line 5: unknown key columns.paid.form; did you mean columns.paid.from?'],
  ],
  [
    'a key that is nothing like one',
    'fact: f\nfrom: rental\nzzzzzzzz: true\n',
    [
      'line 3: unknown key zzzzzzzz (there are fact, dimension, table, was, from, key, versions, surrogate, history, deletes, columns, joins)',
    ],
  ],
  [
    'a dimension that would remove rows',
    'dimension: d\nfrom: customer\ndeletes: remove\n',
    ['line 3: a dimension cannot remove rows: facts may name them. Use mark or keep'],
  ],
  [
    'a history of a fact',
    'fact: f\nfrom: rental\nhistory: true\n',
    ['line 3: history is for a dimension, and this is a fact'],
  ],
  [
    'a history that is no choice',
    'dimension: d\nfrom: customer\nhistory: yes please\n',
    ['line 3: history is neither true nor false'],
  ],
  [
    'a column of a history that its versions have',
    'dimension: d\nfrom: customer\nhistory: true\ncolumns: { customer_id: , _version: { from: full_name } }\n',
    ['line 4: _version is a column that Starlift adds: choose another name'],
  ],
  [
    'a name that is kept for versions',
    'dimension: d__versions\nfrom: customer\n',
    ["line 1: d__versions ends like the table of a dimension's versions: choose another name"],
  ],
  [
    'a fact with versions that would remove rows',
    'fact: f\nfrom: rental\nversions: modified_at\ndeletes: remove\n',
    ['line 4: a fact with versions cannot remove rows: their versions would not come back. Use mark or keep'],
  ],
  [
    'deletes that there are not',
    'fact: f\nfrom: rental\ndeletes: drop\n',
    ['line 3: deletes must be mark, remove or keep'],
  ],
  ['no source', 'fact: f\n', ['line 1: from is missing']],
  [
    'two kinds',
    'fact: f\ndimension: d\nfrom: rental\n',
    ['line 2: a file has exactly one of fact, dimension and table, which is the name of the table'],
  ],
  [
    'no kind',
    'from: rental\n',
    ['line 1: a file has exactly one of fact, dimension and table, which is the name of the table'],
  ],
  [
    'a source table that the lock does not have',
    'fact: f\nfrom: rentel\n',
    ['line 2: rentel is not in starlift.lock.json; did you mean rental?'],
  ],
  [
    'a column that the source does not have',
    `${fact}  amuont:\n`,
    ['line 5: rental has no column amuont; did you mean amount?'],
  ],
  [
    'a date of a number',
    `${fact}  rented_on: { from: amount, as: date }\n`,
    [
      'line 5: rented_on is as: date of amount, which is numeric(8,2): a date is made of a timestamp, a date, or a text like 2026-11-30',
    ],
  ],
  [
    'a time of a text',
    `${fact}  at: { from: day_code, as: time }\n`,
    ['line 5: at is as: time of day_code, which is text: a time is made of a timestamp or a time'],
  ],
  [
    'a numeric of a text',
    `${fact}  n:\n    from: day_code\n    as: numeric(5,2)\n`,
    [
      'line 7: n is as: numeric(5,2) of day_code, which is text: a numeric(p,s) is made of an integer or a numeric',
    ],
  ],
  [
    'a numeric that is too long',
    `${fact}  n: { from: amount, as: "numeric(40,2)" }\n`,
    [
      'line 5: n is as: numeric(40,2) of amount, which is numeric(8,2): a numeric(p,s) has a p of 1 to 38, and an s of 0 to p',
    ],
  ],
  [
    'an as that there is not',
    `${fact}  n: { from: amount, as: money }\n`,
    ['line 5: columns.n.as must be date, time, text, varchar or numeric(p,s)'],
  ],
  [
    'a path to a table that no foreign key leads to',
    `${fact}  c: { from: custommer.full_name }\n`,
    [
      'line 5: no foreign key leads from rental to custommer, and joins does not name it; did you mean customer?',
    ],
  ],
  [
    'a path that two foreign keys could take',
    `${fact}  c: { from: customer.address.city }\n`,
    [
      'line 5: 2 foreign keys lead from customer to address (home_id; billing_id): name the one to take in joins',
    ],
  ],
  [
    'a path to a column that is not there',
    `${fact}  c: { from: customer.fullname }\n`,
    ['line 5: customer has no column fullname; did you mean full_name?'],
  ],
  [
    'a join on columns that are not unique',
    `${fact}  c: { from: a.city }\njoins:\n  a: { table: address, match: { day_code: city } }\n`,
    ['line 7: address has no unique index on city: several of its rows could match one of rental'],
  ],
  [
    'a join of types that cannot be compared',
    `${fact}joins:\n  c: { table: customer, match: { rented_at: customer_id } }\n`,
    [
      'line 6: rental.rented_at (timestamp without time zone) cannot be compared with customer.customer_id (integer)',
    ],
  ],
  [
    'a reference to nothing',
    `${fact}  customer_id: { references: dim_custmer }\n`,
    ['line 5: dim_custmer is not a dimension; did you mean dim_customer?'],
    { 'tables/d.yml': dimCustomer },
  ],
  ['a reference to a fact', `${fact}  customer_id: { references: f }\n`, ['line 5: f is not a dimension']],
  [
    'a reference of another type than the key',
    `${fact}  amount: { references: dim_customer }\n`,
    ['line 5: amount is numeric(8,2), and the key of dim_customer is int'],
    { 'tables/d.yml': dimCustomer },
  ],
  [
    'a reference to a smaller key',
    'fact: f\nfrom: rental\ncolumns:\n  rental_id: { references: dim_customer }\n',
    ['line 4: rental_id is bigint, and the key of dim_customer is int'],
    { 'tables/d.yml': dimCustomer },
  ],
  [
    'a reference to a key of several columns',
    `${fact}  customer_id: { references: dim_stock }\n`,
    ['line 5: the key of dim_stock has several columns: no column can reference it'],
    { 'tables/d.yml': 'dimension: dim_stock\nfrom: stock\n' },
  ],
  [
    'a timestamp that references the calendar',
    `${fact}  rented_at: { references: dim_date }\n`,
    ['line 5: rented_at is timestamp, and the key of dim_date is a date: as: date makes one'],
    { 'starlift.yml': calendar },
  ],
  [
    'a table without a primary key',
    'table: log\nfrom: log\n',
    ['line 2: log has no primary key: name the columns of a unique index by key'],
  ],
  [
    'a key that no unique index has',
    'table: t\nfrom: rental\nkey: customer_id\n',
    [
      'line 3: rental has no unique index on customer_id whose columns are not null: create unique index on rental (customer_id)',
    ],
  ],
  [
    'a key that may be null',
    'dimension: d\nfrom: customer\nkey: email\n',
    [
      'line 3: customer has no unique index on email whose columns are not null: create unique index on customer (email)',
      'line 1: email belongs to the key, and may be null',
    ],
  ],
  [
    'no column for the key',
    'table: t\nfrom: stock\ncolumns:\n  item:\n  count:\n',
    ["line 3: t has no column for shop, which belongs to the source's key"],
  ],
  [
    'versions of something else than a fact',
    'dimension: d\nfrom: rental\nversions: modified_at\n',
    ['line 3: versions is for a fact, and this is a dimension'],
  ],
  [
    'versions without a column for them',
    `versions: modified_at\n${fact}`,
    [
      'line 1: no column is made of modified_at as it is, nor a date and a time of it: the fact needs them to tell versions apart',
    ],
  ],
  [
    'versions by a column that may be null',
    `versions: returned_on\n${fact}  returned_on:\n`,
    ['line 1: returned_on may be null: versions needs a column that is not null'],
  ],
  [
    'versions by a column that is not there',
    `versions: modifed_at\n${fact}`,
    ['line 1: rental has no column modifed_at; did you mean modified_at?'],
  ],
  [
    'a surrogate key that is a column already',
    `surrogate: rental_id\n${fact}`,
    ['line 1: rental_id is a column already'],
  ],
  [
    'a name that two tables have',
    'dimension: dim_customer\nfrom: customer\n',
    ['line 1: dim_customer is the name of another table, too: tables/d.yml'],
    { 'tables/d.yml': dimCustomer },
  ],
  [
    'the name of the calendar',
    'dimension: dim_date\nfrom: customer\n',
    ['line 1: dim_date is the name of another table, too: the calendar'],
    { 'starlift.yml': calendar },
  ],
  [
    'a column that Starlift adds',
    `${fact}  _object_id: { from: customer_id }\n`,
    ['line 5: _object_id is a column that Starlift adds: choose another name'],
  ],
  [
    'a lookup that is not there',
    `${fact}  c: { from: currency_code, lookup: curency }\n`,
    ['line 5: c looks up in lookups/curency.csv, which is not there; did you mean currency?'],
    { 'lookups/currency.csv': 'code,name\nGBP,Pound\n' },
  ],
  [
    'a lookup of a number',
    `${fact}  c: { from: amount, lookup: currencies }\n`,
    ['line 5: c looks up a numeric(8,2): the keys of a lookup are texts'],
    { 'lookups/currencies.csv': 'code,name\nGBP,Pound\n' },
  ],
  [
    'an else without a lookup',
    `${fact}  amount: { else: self }\n`,
    ['line 5: amount has no lookup that else could stand in for'],
  ],
  [
    'a lookup of a masked column',
    `${fact}  c: { from: currency_code, lookup: currencies }\n`,
    ['line 5: c is masked: no text is left to look up'],
    {
      'lookups/currencies.csv': 'code,name\nGBP,Pound\n',
      'starlift.yml': 'sources: { rental: { mask: { currency_code: hmac } } }\n',
    },
  ],
  [
    'versions that are masked',
    `versions: modified_at\n${fact}  modified_at:\n`,
    ['line 1: modified_at is masked: nothing tells which version is later'],
    { 'starlift.yml': 'sources: { rental: { mask: { modified_at: hmac } } }\n' },
  ],
  [
    'a date of a masked column',
    `${fact}  day: { from: rented_at, as: date }\n`,
    [
      'line 5: day is as: date of rented_at, which is masked, a text: a date is made of a timestamp, a date, or a text like 2026-11-30',
    ],
    { 'starlift.yml': 'sources: { rental: { mask: { rented_at: hmac } } }\n' },
  ],
  [
    'a reference of which one end alone is masked',
    `${fact}  customer_id: { references: dim_customer }\n`,
    [
      'line 5: customer_id references dim_customer, and customer.customer_id is masked while rental.customer_id is not: mask both, or neither',
    ],
    {
      'tables/d.yml': dimCustomer,
      'starlift.yml': 'sources: { customer: { mask: { customer_id: hmac } } }\n',
    },
  ],
  [
    'two tables of one source by different keys',
    'table: t\nfrom: stock\nkey: [item, shop]\n',
    ['line 3: the tables made from stock need one key: this is item, shop; tables/s.yml has shop, item'],
    { 'tables/s.yml': 'table: s\nfrom: stock\n' },
  ],
];

/** As a run does, before it connects to anything. */
const compileToRun = (files: Files) =>
  inProject({ 'starlift.yml': 'name: shop\n', ...files }, (folder) => assembleProject(loadProject(folder)));

describe('a table file is refused for', () => {
  it.each(cases)('%s', (_, table, findings, files = {}) => {
    const expected = findings.map((finding) => `tables/t.yml ${finding}`);
    const all = { ...files, 'tables/t.yml': table };
    expect(findingsOf(all)).toEqual(expected);
    // run, publish and a deploy take the same way, and nothing of it can be loaded.
    expect(() => compileToRun(all)).toThrow(expected.join('\n'));
  });

  it('a name that Postgres would cut, or one that is derived from it', () => {
    const name = 'a'.repeat(60);
    expect(findingsOf({ 'tables/t.yml': `fact: ${name}\nfrom: rental\n` })).toEqual([
      `tables/t.yml: ${name} needs the name parked_${name}, which has 67 bytes, and Postgres keeps 63: use a name that is 4 bytes shorter`,
    ]);
  });
});

describe('a project is refused for', () => {
  it.each<[what: string, files: Files, findings: unknown[]]>([
    [
      'a missing lock',
      { 'tables/d.yml': dimCustomer, 'starlift.lock.json': formatLock({}) },
      [
        'tables/d.yml line 2: customer is not in starlift.lock.json: starlift check --source URL --update writes what the source has',
      ],
    ],
    [
      'an excluded column that is not there',
      { 'starlift.yml': 'sources:\n  customer:\n    exclude:\n      - email\n      - passwrod\n' },
      ['starlift.yml line 5: customer has no column passwrod'],
    ],
    [
      'an excluded column that a table has',
      {
        'starlift.yml': 'sources: { customer: { exclude: [email] } }\n',
        'tables/d.yml': `${dimCustomer}columns:\n  customer_id:\n  email:\n`,
      },
      ['tables/d.yml line 5: customer.email is excluded by sources in starlift.yml'],
    ],
    [
      'a masked column that is not there, or is excluded, and another way to mask',
      {
        'starlift.yml':
          'sources:\n  customer:\n    exclude: [email]\n    mask:\n      emial: hmac\n      email: hmac\n',
      },
      [
        'starlift.yml line 5: customer has no column emial; did you mean email?',
        'starlift.yml line 6: email is excluded, too',
      ],
    ],
    [
      'an unknown source table',
      { 'starlift.yml': 'sources:\n  custmer: { keep: true }\n' },
      ['starlift.yml line 2: custmer is not in starlift.lock.json; did you mean customer?'],
    ],
    [
      'a lookup with a key twice, and a line with three values',
      { 'lookups/l.csv': 'a,b\nx,1\nx,2\ny,1,2\n' },
      [
        'lookups/l.csv line 4: has 3 values (expected a key and what it stands for)',
        'lookups/l.csv line 3: has the key x again',
      ],
    ],
    [
      'a lookup with an open quote',
      { 'lookups/l.csv': 'a,b\n"x,1\n' },
      [expect.stringMatching(/^lookups\/l\.csv line \d: Quote Not Closed/)],
    ],
    [
      'a table file that is no YAML, once',
      { 'tables/d.yml': 'dimension: [\n' },
      [expect.stringMatching(/^tables\/d\.yml line \d: /)],
    ],
  ])('%s', (_, files, findings) => {
    expect(findingsOf(files)).toEqual(findings);
  });

  it('a lock that is damaged, with the command that mends it', () => {
    const damaged = { 'starlift.lock.json': '{"version": 1', 'tables/d.yml': dimCustomer };
    expect(() => findingsOf(damaged)).toThrow(/starlift\.lock\.json is not JSON: starlift check --update/);
  });

  it('everything that is wrong at once', () => {
    const findings = findingsOf({
      'tables/a.yml': `${fact}  x:\n  y:\n`,
      'tables/b.yml': 'dimension: d\nfrom: nothing\n',
    });
    expect(findings.map((line) => line.split(':')[0])).toEqual([
      'tables/a.yml line 5',
      'tables/a.yml line 6',
      'tables/b.yml line 2',
    ]);
  });
});
