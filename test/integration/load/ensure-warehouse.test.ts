import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { starSchema } from '../../../shared/star-schema/star-schema.ts';
import { type EnsureOptions, ensureWarehouse } from '../../../shared/warehouse/ensure-warehouse.ts';
import {
  type PostgresServer,
  startInstalledPostgres,
  startTemporaryPostgres,
} from '../../helpers/temporary-postgres.ts';

const starters = {
  'the npm Postgres 18': startTemporaryPostgres,
  'the installed Postgres': startInstalledPostgres,
};

/** The columns of the warehouse's tables, as the project's description of the warehouse has them. */
const described = {
  dim_date:
    'date_id date, year integer, month integer, day integer, day_of_week integer, day_name character varying, month_name character varying, quarter integer, _object_id bigint?',
  dim_staff:
    'staff_id integer, first_name character varying, last_name character varying, department_name character varying, location character varying?, email_address character varying, _object_id bigint',
  dim_transaction:
    'transaction_id integer, transaction_type character varying, sales_order_id integer?, purchase_order_id integer?, _object_id bigint',
  fact_payment:
    'payment_record_id bigint, payment_id integer, created_date date, created_time time without time zone, last_updated_date date, last_updated_time time without time zone, transaction_id integer, counterparty_id integer, payment_amount numeric(12,2), currency_id integer, payment_type_id integer, paid boolean, payment_date date, _object_id bigint',
};

describe.each(Object.entries(starters))('a warehouse on %s', (name, start) => {
  let server: PostgresServer | undefined;
  let databases = 0;
  beforeAll(async () => {
    server = await start();
    if (server === undefined) process.stderr.write(`NOT TESTED: this machine has not ${name}\n`);
  });
  afterAll(() => server?.stop());

  /** Runs the test in a database of its own, if there is a server to have it on. */
  const within = (work: (client: pg.Client) => Promise<void>) => async () => {
    if (server === undefined) return;
    const client = new pg.Client({ connectionString: await server.createDatabase(`w${databases++}`) });
    await client.connect();
    try {
      await work(client);
    } finally {
      await client.end();
    }
  };

  const ensure = (client: pg.Client, options: Partial<EnsureOptions> = {}) =>
    ensureWarehouse(client, starSchema, { schema: 'public', foreignKeys: 'declared', ...options });

  const columnsOf = async (client: pg.Client, table: string) => {
    const { rows } = await client.query<{ columns: string }>(
      `select string_agg(attname || ' ' || format_type(atttypid, atttypmod)
                || case when attnotnull then '' else '?' end, ', ' order by attnum) as columns
       from pg_attribute where attrelid = $1::regclass and attnum > 0`,
      [table],
    );
    return rows[0]?.columns;
  };

  const fact = `
    sales_order_id, created_date, created_time, last_updated_date, last_updated_time, sales_staff_id, counterparty_id,
    units_sold, unit_price, currency_id, design_id, agreed_payment_date, agreed_delivery_date,
    agreed_delivery_location_id, _object_id`;
  const dangling = `insert into fact_sales_order (${fact})
    values (1, '2024-01-01', '12:00', '2024-01-01', '12:00', 1, 1, 1, 1, 1, 1, '2024-01-01', '2024-01-01', 1, 1)`;

  it(
    'is made with the columns of the description, and a second time nothing happens',
    within(async (client) => {
      await ensure(client);
      await ensure(client);
      for (const [table, columns] of Object.entries(described))
        expect(await columnsOf(client, table)).toBe(columns);
      const { rows } = await client.query(`
        select count(*)::int as tables from pg_class c join pg_namespace n on n.oid = relnamespace
        where relkind = 'r' and nspname = 'public'`);
      expect(rows).toEqual([{ tables: 11 }]);
    }),
  );

  it(
    'says what references what, and checks it where that is asked for',
    within(async (client) => {
      await ensure(client);
      await client.query(dangling);
      const { rows } = await client.query<{ text: string }>(`
        select coalesce(
          (select pg_get_constraintdef(oid) from pg_constraint
           where conrelid = 'fact_payment'::regclass and contype = 'f'
             and pg_get_constraintdef(oid) like '%(currency_id)%'),
          (select col_description(attrelid, attnum) from pg_attribute
           where attrelid = 'fact_payment'::regclass and attname = 'currency_id')) as text`);
      expect(rows[0]?.text.replaceAll('"', '')).toMatch(
        /references (public\.)?dim_currency ?\(currency_id\)/i,
      );
      await ensure(client, { schema: 'strict', foreignKeys: 'enforced' });
      await client.query('set search_path = strict');
      await expect(client.query(dangling)).rejects.toMatchObject({ code: '23503' });
    }),
  );

  it(
    'turns declared foreign keys into enforced ones when it is told to, once the rows allow it',
    within(async (client) => {
      await ensure(client);
      await client.query(dangling);
      await expect(ensure(client, { foreignKeys: 'enforced' })).rejects.toMatchObject({ code: '23503' });
      await client.query('delete from fact_sales_order');
      await ensure(client, { foreignKeys: 'enforced' });
      await ensure(client, { foreignKeys: 'enforced' });
      await expect(client.query(dangling)).rejects.toMatchObject({ code: '23503' });
    }),
  );

  it(
    'takes one row of each fact and version, and one binding',
    within(async (client) => {
      await ensure(client);
      await client.query(dangling);
      await expect(client.query(dangling)).rejects.toMatchObject({ code: '23505' });
      const bind = `insert into starlift.binding values ('00000000-0000-4000-8000-000000000000', 'a source')`;
      await client.query(bind);
      await expect(client.query(bind)).rejects.toMatchObject({ code: '23505' });
    }),
  );

  it.each([
    ['alter table dim_staff drop column location', 'column location (character varying) is missing'],
    ['alter table dim_staff alter staff_id type bigint', 'column staff_id is bigint, and must be integer'],
    ['alter table dim_staff alter location set not null', 'column location is not null, and must allow null'],
    [
      'alter table dim_staff add boss int not null',
      "column boss (integer not null) is none of the model's and has no default",
    ],
    ['alter table dim_staff drop constraint dim_staff_pkey cascade', 'it has no unique index on (staff_id)'],
  ])('that was changed by %s is refused in one line', (change, difference) =>
    within(async (client) => {
      await ensure(client);
      await client.query(change);
      await expect(ensure(client)).rejects.toMatchObject({
        name: 'TerminalError',
        table: 'dim_staff',
        message: `the warehouse's table public.dim_staff is not the model's: ${difference}`,
      });
    })(),
  );

  it(
    'may have columns and tables of its owner beside the model',
    within(async (client) => {
      await ensure(client);
      await client.query(`alter table dim_staff add note text; alter table dim_staff add seen timestamptz not null
        default now(); create table public.other (id int)`);
      await ensure(client);
      expect(await columnsOf(client, 'dim_staff')).toMatch(/note text/);
    }),
  );

  it(
    'gets back the tables that it lacks, and no other is touched',
    within(async (client) => {
      await ensure(client);
      await client.query(dangling);
      await client.query('drop table dim_design cascade; drop table starlift.parked_fact_payment');
      await ensure(client);
      const { rows } = await client.query(`
        select to_regclass('dim_design') is not null as design,
          to_regclass('starlift.parked_fact_payment') is not null as parked,
          (select count(*)::int from fact_sales_order) as facts`);
      expect(rows).toEqual([{ design: true, parked: true, facts: 1 }]);
    }),
  );

  it(
    'needs no right to create once all is there',
    within(async (client) => {
      await ensure(client);
      const role = `loader_${databases}`;
      await client.query(`create role ${role}; set role ${role}`);
      await expect(ensure(client)).resolves.toBeUndefined();
      await client.query('reset role');
    }),
  );
});
