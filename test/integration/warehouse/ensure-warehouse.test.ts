import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import type { PostgresServer } from '../../helpers/postgres/temporary-postgres.ts';
import { ensure, inNewDatabase, postgresVersions } from './each-postgres.ts';

/** The columns of the warehouse's tables, as the project's description of the warehouse has them. */
const described = {
  dim_date:
    'date_id date, year integer, month integer, day integer, day_of_week integer, day_name character varying, month_name character varying, quarter integer, _object_id bigint?',
  dim_staff:
    'staff_id integer, first_name character varying, last_name character varying, department_name character varying, location character varying?, email_address character varying, _object_id bigint, _deleted_by bigint?',
  dim_transaction:
    'transaction_id integer, transaction_type character varying, sales_order_id integer?, purchase_order_id integer?, _object_id bigint, _deleted_by bigint?',
  fact_payment:
    'payment_record_id bigint, payment_id integer, created_date date, created_time time without time zone, last_updated_date date, last_updated_time time without time zone, transaction_id integer, counterparty_id integer, payment_amount numeric(12,2), currency_id integer, payment_type_id integer, paid boolean, payment_date date, _object_id bigint, _deleted_by bigint?',
};

describe.each(postgresVersions)('a warehouse on %s', (_, start) => {
  let server: PostgresServer | undefined;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server?.stop());
  const within = (work: (client: pg.Client) => Promise<void>) => () => inNewDatabase(server, work);

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
    'numbers the rows of a fact by as many as Postgres logs at a time',
    within(async (client) => {
      await ensure(client);
      const { rows } = await client.query(`
        select relname as fact, seqcache::int as cached
        from pg_sequence join pg_depend on objid = seqrelid and deptype = 'a' join pg_class c on c.oid = refobjid
        where relname like 'fact%' order by relname`);
      // SEQ_LOG_VALS of Postgres' sequence.c.
      const facts = ['fact_payment', 'fact_purchase_order', 'fact_sales_order'];
      expect(rows).toEqual(facts.map((fact) => ({ fact, cached: 32 })));
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
    'takes text for varchar, and no text that has a limit',
    within(async (client) => {
      await ensure(client);
      await client.query('drop view dim_design_current; alter table dim_design alter design_name type text');
      await ensure(client);
      await client.query(
        'drop view dim_design_current; alter table dim_design alter design_name type varchar(20)',
      );
      await expect(ensure(client)).rejects.toThrow(
        'column design_name is character varying(20), and must be character varying',
      );
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
      const role = `loader_${randomUUID()}`;
      // Which migrations the tables have had is a row, not a catalog entry.
      await client.query(`create role "${role}"; grant usage on schema starlift to "${role}";
        grant select on starlift.migration to "${role}"; set role "${role}"`);
      await expect(ensure(client)).resolves.toBeUndefined();
      await client.query('reset role');
    }),
  );
});
