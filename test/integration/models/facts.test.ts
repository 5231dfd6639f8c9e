import { describe, expect, it } from '@jest/globals';
import {
  dateOf,
  defineDimension,
  defineFact,
  int,
  type ModelDefinition,
  sameDate,
  timestamp,
  varchar,
} from '../../../shared/model/define.ts';
import { calendar } from '../../helpers/models/calendar.ts';
import { type OwnRoad, roadOfModel } from './road-of-own.ts';

const optional = { nullable: true };
const dated = { nullable: true, references: 'dim_date' };

const place = defineDimension({
  name: 'dim_place',
  source: {
    schema: 'Stores',
    table: 'Place',
    key: ['zone', 'No.'],
    columns: { zone: 'varchar', 'No.': 'int4', opened: 'date?', title: 'varchar?' },
  },
  key: ['zone', 'no'],
  columns: {
    zone: varchar('zone'),
    no: int('No.'),
    opened: sameDate('opened', optional),
    title: varchar('title', optional),
  },
});

/** Two tables of one source table, each with columns of its own. */
const item = defineDimension({
  name: 'dim_item',
  source: { table: 'item', key: ['code'], columns: { code: 'varchar', title: 'varchar' } },
  key: ['code'],
  columns: { code: varchar('code'), title: varchar('title') },
});
const weight = defineDimension({
  name: 'item_weight',
  source: { table: 'item', key: ['code'], columns: { code: 'varchar', grams: 'int4?' } },
  key: ['code'],
  columns: { code: varchar('code'), grams: int('grams', optional) },
});

/** The latest state of a key of three columns; it names a dimension and, where it is known, a day. */
const stock = defineFact({
  name: 'fact_stock',
  source: {
    table: 'stock',
    key: ['zone', 'no', 'code'],
    columns: {
      zone: 'varchar',
      no: 'int4',
      code: 'varchar',
      amount: 'int4',
      counted: 'date?',
      instead: 'varchar?',
    },
  },
  key: ['zone', 'no', 'code'],
  versions: [],
  columns: {
    zone: varchar('zone'),
    no: int('no'),
    code: varchar('code', { references: 'dim_item' }),
    amount: int('amount'),
    counted: sameDate('counted', dated),
    instead: varchar('instead', { nullable: true, references: 'dim_item' }),
  },
});

/** Every version of a key of two columns, told apart by one column. */
const price = defineFact({
  name: 'fact_price',
  source: {
    table: 'price',
    key: ['code', 'currency'],
    columns: { code: 'varchar', currency: 'varchar', cents: 'int4', changed: 'timestamp' },
  },
  key: ['code', 'currency'],
  versions: ['changed'],
  surrogateKey: 'price_record',
  columns: {
    code: varchar('code', { references: 'dim_item' }),
    currency: varchar('currency'),
    cents: int('cents'),
    changed: timestamp('changed'),
    changed_on: { ...dateOf('changed'), references: 'dim_date' },
  },
});

const definition: ModelDefinition = {
  name: 'facts',
  tables: [calendar, place, item, weight, stock, price],
};

const tables = `
  create schema "Stores";
  create table "Stores"."Place" (zone text, "No." int, opened date, title text, primary key ("No.", zone));
  create table item (code text primary key, title text not null, grams int);
  create table stock (no int, zone text, code text, amount int not null, counted date, instead text, primary key (zone, no, code));
  create table price (code text, currency text, cents int not null, changed timestamp not null, primary key (currency, code))`;

describe('a model of composite keys', () => {
  let road: OwnRoad;
  roadOfModel(definition, tables, (made) => {
    road = made;
  });

  const sameRows = async (warehouse: string, source: string) => {
    const wanted = await road.source(source);
    expect(wanted.length).toBeGreaterThan(0);
    expect(await road.warehouse(warehouse)).toEqual(wanted);
  };

  it('keeps apart the keys of a dimension outside of public that differ in one column alone', async () => {
    await road.change(`
      insert into "Stores"."Place"
        select zone, no, null, zone || no from unnest('{a,"a\\tb","","\\\\N"}'::text[]) zone, generate_series(-1, 3) no`);
    await road.run();
    await road.change(`
      update "Stores"."Place" set title = null, opened = '2024-02-29' where zone = 'a' and "No." = -1;
      insert into "Stores"."Place" values ('b', 1, 'infinity', 'new')`);
    await road.run();
    await sameRows(
      'select zone, no, opened, title from dim_place order by zone collate "C", no',
      'select zone, "No.", opened, title from "Stores"."Place" order by zone collate "C", "No."',
    );
  });

  it('makes two warehouse tables of one source table, each of its own columns', async () => {
    await road.change(
      `insert into item select 'pair ' || n, 'Title ' || n, nullif(n, 2) from generate_series(1, 3) n`,
    );
    await road.run();
    await road.change(
      `update item set grams = 100 where code in ('pair 2', 'pair 3'); update item set title = 'T' where code = 'pair 1'`,
    );
    await road.run();
    await sameRows(
      `select code, title from dim_item where code like 'pair%' order by 1`,
      `select code, title from item where code like 'pair%' order by 1`,
    );
    await sameRows(
      `select code, grams from item_weight where code like 'pair%' order by 1`,
      `select code, grams from item where code like 'pair%' order by 1`,
    );
  });

  it('keeps the latest state alone of a fact without versions, and no number of its own', async () => {
    await road.change(`
      insert into item values ('s1', 'One', 1), ('s2', 'Two', 2);
      insert into stock select no, 'latest', code, no, null from generate_series(1, 50) no, unnest('{s1,s2}'::text[]) code`);
    await road.run();
    for (const amount of [7, 8]) {
      await road.change(`update stock set amount = amount + ${amount} where zone = 'latest' and no % 3 = 0`);
      await road.run();
    }
    await sameRows(
      `select zone, no, code, amount, counted from fact_stock where zone = 'latest' order by 2, 3`,
      `select zone, no, code, amount, counted from stock where zone = 'latest' order by 2, 3`,
    );
    const columns = await road.warehouse(
      `select attname from pg_attribute where attrelid = 'fact_stock'::regclass and attnum > 0 order by attnum`,
    );
    expect(columns.flat()).toEqual([
      'zone',
      'no',
      'code',
      'amount',
      'counted',
      'instead',
      '_object_id',
      '_deleted_by',
    ]);
  });

  it('lets a fact without versions wait for its dimension, and brings its latest state alone when that lands', async () => {
    await road.change(
      `insert into stock values (1, 'wait', 'late', 10, null), (2, 'wait', 'late', 20, null)`,
    );
    await road.run();
    await road.change(`update stock set amount = 11 where zone = 'wait' and no = 1`);
    await road.run();
    expect(await road.warehouse(`select from fact_stock where zone = 'wait'`)).toEqual([]);
    await road.change(`insert into item values ('late', 'Late', null)`);
    await road.run();
    await sameRows(
      `select zone, no, code, amount from fact_stock where zone = 'wait' order by 2`,
      `select zone, no, code, amount from stock where zone = 'wait' order by 2`,
    );
    await road.change(`update stock set amount = 12 where zone = 'wait' and no = 1`);
    await road.run();
    await sameRows(
      `select zone, no, code, amount from fact_stock where zone = 'wait' order by 2`,
      `select zone, no, code, amount from stock where zone = 'wait' order by 2`,
    );
  });

  it('lets a row wait that has come to name what is not there, and shows its state before that until then', async () => {
    await road.change(`
      insert into item values ('known', 'Known', null);
      insert into stock (no, zone, code, amount)
        select no, 'back', 'known', 1 from generate_series(1, 3) no`);
    await road.run();
    await road.change(`update stock set amount = 2, instead = 'missing' where zone = 'back' and no < 3`);
    await road.run();
    const states = `select no, amount, instead from fact_stock where zone = 'back' order by 1`;
    expect(await road.warehouse(states)).toEqual([
      ['1', '1', null],
      ['2', '1', null],
      ['3', '1', null],
    ]);
    await road.change(`update stock set amount = 3, instead = 'known' where zone = 'back' and no = 2`);
    await road.run();
    expect(await road.warehouse(states)).toEqual([
      ['1', '1', null],
      ['2', '3', 'known'],
      ['3', '1', null],
    ]);
    await road.change(`insert into item values ('missing', 'Missing', null)`);
    await road.run();
    await sameRows(states, `select no, amount, instead from stock where zone = 'back' order by 1`);
  });

  it('keeps every version of a composite key by the one column that tells them apart', async () => {
    await road.change(`
      insert into item values ('v', 'V', null);
      insert into price select 'v', c, 100, '2024-03-01 10:00' from unnest('{EUR,USD}'::text[]) c`);
    await road.run();
    await road.change(
      `update price set cents = 200, changed = '2024-03-02 10:00:00.000001' where code = 'v' and currency = 'EUR'`,
    );
    await road.run();
    await road.change(`
      update price set cents = 201 where code = 'v' and currency = 'EUR';
      update price set cents = 99, changed = '2023-01-01' where code = 'v' and currency = 'USD'`);
    await road.run();
    expect(
      await road.warehouse(
        `select currency, changed, cents, changed_on from fact_price where code = 'v' order by 1, 2`,
      ),
    ).toEqual([
      ['EUR', '2024-03-01 10:00:00', '100', '2024-03-01'],
      ['EUR', '2024-03-02 10:00:00.000001', '201', '2024-03-02'],
      ['USD', '2023-01-01 00:00:00', '99', '2023-01-01'],
      ['USD', '2024-03-01 10:00:00', '100', '2024-03-01'],
    ]);
  });

  it('leaves a day that is not known null in the fact, and puts nothing into the calendar', async () => {
    await road.change(`
      insert into item values ('day', 'Day', null);
      insert into stock values (1, 'day', 'day', 1, null), (2, 'day', 'day', 1, '1987-06-05'), (3, 'day', 'day', 1, null)`);
    await road.run();
    await road.change(`update stock set counted = '1987-06-06' where zone = 'day' and no = 3`);
    await road.change(`update stock set counted = null where zone = 'day' and no = 2`);
    await road.run();
    await sameRows(
      `select no, counted from fact_stock where zone = 'day' order by 1`,
      `select no, counted from stock where zone = 'day' order by 1`,
    );
    expect(
      await road.warehouse(`select date_id, day_name from dim_date where year = 1987 order by 1`),
    ).toEqual([
      ['1987-06-05', 'Friday'],
      ['1987-06-06', 'Saturday'],
    ]);
    expect(await road.warehouse('select from dim_date where date_id is null')).toEqual([]);
  });
});
