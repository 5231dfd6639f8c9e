import { describe, expect, it } from '@jest/globals';
import { checkProject } from '../../../cli/project/check/check.ts';
import { kindsOf, useSource } from './init-under-test.ts';

/** Films are rented out; nothing but foreign keys, types and names says what is what. */
const rentals = `
  create table country (country_id int primary key, name text not null);
  create table city (city_id int primary key, city text not null, country_id int not null references country);
  create table address (address_id int primary key, street text not null, city_id int references city,
    created_at timestamp);
  create table customer (customer_id int primary key, first_name text not null, last_name text not null,
    password_hash text, home_id int references address, billing_id int references address,
    created_at timestamp not null default now());
  create table film (film_id int primary key, title text not null, rental_rate numeric(4,2) not null);
  create table rental (rental_id bigint primary key, customer_id int not null references customer,
    film_id int not null references film, rented_at timestamptz not null, returned_at timestamptz,
    updated_at timestamptz not null default now());
  create table payment (payment_id int primary key, rental_id bigint references rental, amount numeric(8,2) not null,
    paid_on date not null);
  create table film_actor (film_id int references film, actor_id int, primary key (film_id, actor_id));
  create table opening_hours (day int primary key, open time, close time);
  create table app_migrations_log (id int primary key);
  create table schema_migrations (version text primary key);
  create table audit (at timestamptz not null, line text);
  create table visits (id int not null, place text);
  create view newest as select max(rented_at) from rental;
`;

const inSource = useSource();
const inRentals = (work: Parameters<typeof inSource>[1]) => () => inSource(rentals, work);

describe('init of a shop that rents films', () => {
  it(
    'makes facts of what happens, dimensions of what they name, and folds the rest',
    inRentals(async ({ init }) => {
      const outcome = await init();
      expect(outcome.findings).toEqual([]);
      expect(kindsOf(outcome)).toEqual({
        address: 'folded',
        app_migrations_log: 'dimension',
        audit: 'left out',
        city: 'folded',
        country: 'folded',
        customer: 'dimension',
        film: 'dimension',
        film_actor: 'dimension',
        newest: 'left out',
        opening_hours: 'dimension',
        payment: 'fact',
        rental: 'fact',
        schema_migrations: 'left out',
        visits: 'left out',
      });
    }),
  );

  it(
    'writes files that say so',
    inRentals(async ({ init, read }) => {
      await init();
      const schemaComment = /^# yaml-language-server: \$schema=\S+\/docs\/schemas\/table\.schema\.json\n/;
      expect(read('tables/fact_rental.yml')).toMatch(schemaComment);
      const text = (name: string) => read(name).replace(schemaComment, '');
      expect(text('tables/fact_rental.yml')).toBe(`fact: fact_rental
from: rental
versions: updated_at
columns:
  rental_id:
  customer_id: { references: dim_customer }
  film_id: { references: dim_film }
  rented_at:
  rented_date: { from: rented_at, as: date, references: dim_date }
  returned_at:
  updated_at:
`);
      expect(text('tables/fact_payment.yml')).toBe(`fact: fact_payment
from: payment
columns:
  payment_id:
  rental_id:
  amount:
  paid_on: { references: dim_date }
`);
      expect(text('tables/dim_customer.yml')).toBe(`dimension: dim_customer
from: customer
columns:
  customer_id:
  first_name:
  last_name:
  home_id:
  billing_id:
  created_at:
  home_street: { from: home.street }
  billing_street: { from: billing.street }
  city: { from: home.city.city }
  billing_city: { from: billing.city.city }
  country_name: { from: home.city.country.name }
  billing_country_name: { from: billing.city.country.name }
joins:
  home: { table: address, match: { home_id: address_id } }
  billing: { table: address, match: { billing_id: address_id } }
`);
      expect(read('starlift.yml').replace(/^#.*\nname: .*\n/, '')).toBe(`source:
  url: $\{SOURCE_URL}
  schemas:
    - public
warehouse:
  # Without a url, and without WAREHOUSE_URL, the data folder has a warehouse of its own.
  schema: public
  calendar: dim_date
sources:
  customer:
    exclude:
      - password_hash
# audit is left out: no unique index makes a key of columns that are never null.
#   alter table "public"."audit" add primary key (…);
# schema_migrations is left out: it belongs to a tool that migrates schemas.
# visits is left out: no unique index makes a key of columns that are never null.
#   create unique index on "public"."visits" ("id");
`);
    }),
  );

  it(
    'makes a model that the pipeline puts together, and the extract leaves the secret where it is',
    inRentals(async ({ init, model }) => {
      await init();
      const { tables, calendar, source } = model();
      expect(tables.map(({ name }) => name).sort()).toEqual([
        'dim_app_migrations_log',
        'dim_customer',
        'dim_date',
        'dim_film',
        'dim_film_actor',
        'dim_opening_hours',
        'fact_payment',
        'fact_rental',
      ]);
      expect(calendar?.name).toBe('dim_date');
      expect(source('customer').fields.map(({ name }) => name)).not.toContain('password_hash');
    }),
  );

  it(
    'copies every table by --mirror, without its secrets and without a calendar',
    inRentals(async ({ init, files, model }) => {
      const outcome = await init({ isMirror: true });
      expect(outcome.findings).toEqual([]);
      expect(files()['tables/rental.yml']).toMatch(/\ntable: rental\nfrom: rental\n$/);
      const { tables, calendar } = model();
      expect(calendar).toBeUndefined();
      expect(tables.map(({ name, kind }) => `${kind} ${name}`).sort()).toEqual(
        [
          ...['address', 'app_migrations_log', 'city', 'country', 'customer', 'film', 'film_actor'],
          ...['opening_hours', 'payment', 'rental'],
        ].map((name) => `table ${name}`),
      );
      const customer = tables.find(({ name }) => name === 'customer');
      expect(customer?.columns.map(({ name }) => name)).not.toContain('password_hash');
    }),
  );
});

it('leaves out what nobody can read exactly, and why', () =>
  inSource(
    `create extension postgres_fdw; create server elsewhere foreign data wrapper postgres_fdw;
     create table kept (id int primary key);
     create table parent (id int primary key); create table heir () inherits (parent);
     create table spread (id int, primary key (id)) partition by range (id);
     create table spread_1 partition of spread for values from (0) to (9);
     create table bare ();
     create table "dotted.name" (id int primary key);
     create table session (token text primary key, at timestamp);
     create foreign table away (id int) server elsewhere;
     create table mixed (id int) partition by range (id);
     create foreign table mixed_1 partition of mixed for values from (0) to (9) server elsewhere;
     create materialized view counted as select count(*) from kept;`,
    async ({ init }) => {
      const { written, leftOut, findings } = await init();
      expect(findings).toEqual([]);
      expect(written.map(({ table }) => table.name)).toEqual(['kept', 'spread']);
      expect(Object.fromEntries(leftOut.map(({ name, reason }) => [name, reason]))).toEqual({
        away: 'a foreign table: only a table knows which of its rows are new',
        bare: 'it has no columns',
        counted: 'a materialized view: only a table knows which of its rows are new',
        'dotted.name': 'a dot in a name would be read as a path',
        heir: 'no unique index makes a key of columns that are never null',
        mixed: 'a foreign table is a part of it: only a table knows which of its rows are new',
        parent: 'other tables inherit from it, and no index is unique over the rows of all',
        session: 'its key has token, which looks like a secret',
      });
    },
  ));

it('leaves out what has the one name that no file can have as a key', () =>
  inSource(
    `create table kept (id int primary key, "__proto__" text, "constructor" text);
     create table keyed ("__proto__" int primary key);
     create table "__proto__" (id int primary key)`,
    async ({ init, model, client, folder }) => {
      const { written, leftOut, findings } = await init({ isMirror: true });
      expect(findings).toEqual([]);
      const reason = 'has the one name that no file of a project can have as a key';
      expect(written.map(({ name, table }) => [name, [...table.excluded]])).toEqual([
        ['kept', [['__proto__', reason]]],
      ]);
      expect(Object.fromEntries(leftOut.map((each) => [each.name, each.reason]))).toEqual(
        Object.fromEntries([
          ['__proto__', `it ${reason}`],
          ['keyed', `its key has __proto__, which ${reason}`],
        ]),
      );
      expect(model().sources.map(({ name, excluded }) => [name, [...excluded]])).toEqual([
        ['kept', ['__proto__']],
      ]);
      for (const isUpdate of [false, true])
        expect(await checkProject({ folder, source: client, isUpdate })).toEqual([]);
    },
  ));

describe('a reference that no foreign key declares', () => {
  const undeclared = `
    create table people (id int primary key, name text not null);
    create table shop_product (id int primary key, name text not null);
    create table sale (id int primary key, person_id int, product_id int, billing_person_id int, amount int,
      sold_at timestamp);
  `;
  const referencesOf = (text: string) =>
    [...text.matchAll(/^ {2}(\w+): \{.*references: (\w+) \}(.*)$/gm)].map(([, column, to, rest]) => [
      column,
      to,
      rest,
    ]);

  it('is written where every row keeps it, and is marked', () =>
    inSource(undeclared, async ({ client, init, read }) => {
      await client.query(`
        insert into people values (1, 'a'), (2, 'b');
        insert into shop_product values (7, 'x');
        insert into sale values (1, 1, 7, 2, 10, now()), (2, null, 7, null, 10, now())`);
      expect((await init()).findings).toEqual([]);
      expect(referencesOf(read('tables/fact_sale.yml'))).toEqual([
        ['person_id', 'dim_people', ' # guessed'],
        ['product_id', 'dim_shop_product', ' # guessed'],
        ['billing_person_id', 'dim_people', ' # guessed'],
        ['sold_date', 'dim_date', ''],
      ]);
    }));

  it('is not written where a row breaks it, nor where no row speaks for it', () =>
    inSource(undeclared, async ({ client, init, read }) => {
      await client.query(`
        insert into people values (1, 'a');
        insert into sale values (1, 1, null, 3, 10, now())`);
      await init();
      expect(referencesOf(read('tables/fact_sale.yml'))).toEqual([
        ['person_id', 'dim_people', ' # guessed'],
        ['sold_date', 'dim_date', ''],
      ]);
    }));

  it('is not written where the source does not answer in time', () =>
    inSource(undeclared, async ({ client, url, init, read }) => {
      await client.query(`
        insert into people values (1, 'a');
        insert into shop_product values (1, 'a');
        insert into sale values (1, 1, 1, 1, 10, now())`);
      const { default: pg } = await import('pg');
      const holder = new pg.Client(url);
      await holder.connect();
      await holder.query('begin; lock table people in access exclusive mode');
      try {
        await init();
      } finally {
        await holder.end();
      }
      expect(referencesOf(read('tables/fact_sale.yml'))).toEqual([
        ['product_id', 'dim_shop_product', ' # guessed'],
        ['sold_date', 'dim_date', ''],
      ]);
    }));

  it('joins what is folded', () =>
    inSource(
      `create table region (id int primary key, label text not null);
       create table store (id int primary key, name text not null, region_id int);
       create table sale (id int primary key, store_id int references store, amount int, sold_at timestamp);
       insert into region values (1, 'north'); insert into store values (1, 'a', 1);`,
      async ({ init, read, model }) => {
        await init();
        expect(read('tables/dim_store.yml')).toContain(
          '  region_label: { from: region.label }\njoins:\n  region: { table: region, match: { region_id: id } } # guessed\n',
        );
        expect(model().source('store').joins).toMatchObject([{ path: 'region', table: 'region' }]);
      },
    ));
});

it('names the statement that would give a table its key', () =>
  inSource(
    `create table kept (id int primary key);
     create table unique_but_null (a int, b int not null, unique (a, b));
     create table visits (visit_id int not null, place text);
     create table tag (kept_id int not null, "userId" int not null, label text);
     create table entry (kept_id int not null, line text);
     create table partly (id int not null, gone boolean); create unique index on partly (id) where not gone;`,
    async ({ init, client }) => {
      const { leftOut } = await init();
      const remedies = Object.fromEntries(leftOut.map(({ name, remedy }) => [name, remedy]));
      expect(remedies).toEqual({
        unique_but_null: 'alter table "public"."unique_but_null" alter "a" set not null',
        visits: 'create unique index on "public"."visits" ("visit_id")',
        tag: 'create unique index on "public"."tag" ("kept_id", "userId")',
        entry: 'alter table "public"."entry" add primary key (…)',
        partly: 'create unique index on "public"."partly" ("id")',
      });
      for (const remedy of leftOut.map((each) => each.remedy ?? '')) {
        if (!remedy.includes('…')) await client.query(remedy);
      }
      const again = await init();
      expect(again.leftOut.map(({ name }) => name)).toEqual(['entry']);
    },
  ));

it('takes the day of a fact from a date that is never null, or that is named like the table', () =>
  inSource(
    `create table grants (id int primary key, revoked_at timestamp, image_updated_at timestamp not null,
       created_at timestamp not null, amount int);
     create table payment (id int primary key, payment_date date, created_at timestamp not null, amount int);
     create table call (id int primary key, ended_at timestamp, begun_at timestamp not null, amount int);
     create table bill (id int primary key, sent_at timestamp, amount int);`,
    async ({ init, model }) => {
      await init();
      const dayOf = (table: string) =>
        model()
          .table(table)
          .columns.flatMap((column) =>
            'from' in column && column.references === 'dim_date' ? [column.from.field] : [],
          );
      expect(['fact_grants', 'fact_payment', 'fact_call', 'fact_bill'].map(dayOf)).toEqual([
        ['created_at'],
        ['payment_date'],
        ['begun_at'],
        ['sent_at'],
      ]);
    },
  ));

it('takes a foreign key that every partition declares for one of the table', () =>
  inSource(
    `create table shop (id int primary key, name text); create table clerk (id int primary key, name text);
     create table sale (id int, shop_id int, clerk_id int, sold_on date, amount int) partition by range (sold_on);
     create table sale_25 partition of sale (primary key (id), foreign key (shop_id) references shop)
       for values from ('2025-01-01') to ('2026-01-01');
     create table sale_26 partition of sale (primary key (id), foreign key (shop_id) references shop,
       foreign key (clerk_id) references clerk) for values from ('2026-01-01') to ('2027-01-01');
     alter table sale add unique (id, sold_on), alter id set not null, alter sold_on set not null;`,
    async ({ init, read }) => {
      expect((await init()).findings).toEqual([]);
      const text = read('tables/fact_sale.yml');
      expect(text).toContain('\nkey: [ id, sold_on ]\n');
      expect(text).toContain('  shop_id: { references: dim_shop }\n  clerk_id:\n');
    },
  ));

describe('a reference that could not be kept', () => {
  it('is not written for a foreign key that was never validated, nor for a key of several columns', () =>
    inSource(
      `create table place (a int, b int, label text, primary key (a, b));
       create table person (id int primary key, name text, code text unique not null);
       create table visit (id int primary key, a int, b int, person_id int, code text references person (code),
         at timestamptz, amount int, foreign key (a, b) references place);
       alter table visit add foreign key (person_id) references person not valid;`,
      async ({ init, read }) => {
        expect((await init()).findings).toEqual([]);
        expect(read('tables/fact_visit.yml')).not.toMatch(/references: dim_(place|person)/);
      },
    ));

  it('is not written for a column whose values may be beyond the key, and is for a narrower one', () =>
    inSource(
      `create table wide (id bigint primary key, name text); create table narrow (id int primary key, name text);
       create table counted (id numeric(4,0) primary key, name text);
       create table visit (id int primary key, wide_id int references wide, narrow_id bigint references narrow,
         counted_id int references counted, at timestamptz, amount int);`,
      async ({ init, read }) => {
        expect((await init()).findings).toEqual([]);
        expect(read('tables/fact_visit.yml')).toContain(
          '  wide_id: { references: dim_wide }\n  narrow_id:\n  counted_id:\n',
        );
      },
    ));

  it('is no day of a calendar where a date is infinite', () =>
    inSource(
      `create table sale (id int primary key, sold_at timestamp, amount int);
       insert into sale values (1, 'infinity', 1);`,
      async ({ init, read, model }) => {
        await init();
        expect(read('tables/fact_sale.yml')).not.toContain('dim_date');
        expect(model().calendar).toBeUndefined();
      },
    ));
});
