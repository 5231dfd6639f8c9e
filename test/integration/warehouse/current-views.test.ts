import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { currentViewStatements } from '../../../shared/warehouse/current/current-view.ts';
import { findViewFaults } from '../../../shared/warehouse/current/keep-current-views.ts';
import { ensureWarehouse } from '../../../shared/warehouse/ensure-warehouse.ts';
import type { PostgresServer } from '../../helpers/postgres/temporary-postgres.ts';
import { smallModel } from '../../helpers/small-warehouse/small-model.ts';
import { inNewDatabase, postgresVersions } from './each-postgres.ts';

const ensure = (client: pg.Client) =>
  ensureWarehouse(client, smallModel, { schema: 'public', foreignKeys: 'declared' });
const faults = (client: pg.Client) => findViewFaults(client, smallModel, 'public');
const sales = `
  insert into fact_sale (sale_id, last_updated_date, last_updated_time, colour_id, shape_id, note, _object_id) values
    (1, '2024-01-01', '10:00', 1, null, 'first', 1), (1, '2024-01-02', '09:00', 1, null, 'second', 2),
    (1, '2024-01-02', '11:00', 1, null, 'third', 2), (2, '2024-01-01', '10:00', 1, null, 'only', 1)`;

describe.each(postgresVersions)('the views of current rows on %s', (_, start) => {
  let server: PostgresServer | undefined;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server?.stop());
  const within = (work: (client: pg.Client) => Promise<void>) => () =>
    inNewDatabase(server, async (client) => {
      await ensure(client);
      await work(client);
    });
  const ask = async (client: pg.ClientBase, question: string) =>
    (await client.query({ text: question, rowMode: 'array' })).rows as unknown[][];
  const notes = 'select sale_id, note from fact_sale_current order by 1, 2';
  const makeRole = async (client: pg.Client) => {
    const role = `r_${randomUUID().replaceAll('-', '')}`;
    await client.query(`create role ${role}`);
    return role;
  };
  const as = async <T>(client: pg.Client, role: string, work: () => Promise<T>): Promise<T> => {
    await client.query(`set role ${role}`);
    return work().finally(() => client.query('reset role'));
  };

  it(
    'have one row of each key: the greatest version of a fact, and each row of a dimension and of the calendar',
    within(async (client) => {
      await client.query(`${sales};
        insert into dim_colour values (1, 'red', 1), (2, 'blue', 1);
        insert into dim_date (date_id, year, month, day, day_of_week, day_name, month_name, quarter)
          values ('2024-01-01', 2024, 1, 1, 1, 'Monday', 'January', 1)`);
      expect(await ask(client, notes)).toEqual([
        [1, 'third'],
        [2, 'only'],
      ]);
      expect(await ask(client, 'select name from dim_colour_current order by 1')).toEqual([
        ['blue'],
        ['red'],
      ]);
      expect(await ask(client, 'select day_name from dim_date_current')).toEqual([['Monday']]);
      expect(await faults(client)).toEqual([]);
    }),
  );

  it(
    'leave marked rows out first, and then take the greatest version',
    within(async (client) => {
      await client.query('create table marked (id int, version int, name text, _deleted_by bigint)');
      const view = {
        schema: 'public',
        table: 'marked',
        name: 'marked_current',
        columns: ['id', 'version', 'name'],
        key: ['id'],
        versions: ['version'],
        hasMarks: true,
      };
      for (const statement of currentViewStatements(view)) await client.query(statement);
      await client.query(`insert into marked values
        (1, 1, 'gone', 7), (1, 2, 'gone', 7), (2, 1, 'back', null), (2, 5, 'gone', 7), (3, 1, 'old', 7), (3, 2, 'new', null)`);
      expect(await ask(client, 'select id, version, name from marked_current order by 1')).toEqual([
        [2, 1, 'back'],
        [3, 2, 'new'],
      ]);
    }),
  );

  it(
    'outlive the schema of the ledger',
    within(async (client) => {
      await client.query(`${sales}; drop schema starlift cascade`);
      expect(await ask(client, notes)).toHaveLength(2);
    }),
  );

  it(
    'are made again where they are missing, or read a table that has another name now',
    within(async (client) => {
      await client.query(`drop view dim_colour_current; ${sales};
        alter table fact_sale rename to fact_sale_of_last_year`);
      expect(await faults(client)).toMatchObject([{ view: 'public.dim_colour_current', state: 'missing' }]);
      await ensure(client);
      expect(await faults(client)).toEqual([]);
      expect(await ask(client, 'select count(*)::int from fact_sale_current')).toEqual([[0]]);
      expect(await ask(client, 'select count(*)::int from dim_colour_current')).toEqual([[0]]);
    }),
  );

  it(
    'take over that a column has another type',
    within(async (client) => {
      const reader = await makeRole(client);
      await client.query(`grant select on dim_colour_current to ${reader};
        alter table dim_colour rename to dim_colour_of_last_year;
        create table dim_colour (colour_id int primary key, name text not null, _object_id bigint not null)`);
      await ensure(client);
      expect(await faults(client)).toEqual([]);
      expect(
        await ask(
          client,
          `select pg_typeof(name)::text from (values (1)) one left join dim_colour_current on true`,
        ),
      ).toEqual([['text']]);
      expect(
        await ask(client, `select has_table_privilege('${reader}', 'dim_colour_current', 'select')`),
      ).toEqual([[true]]);
    }),
  );

  it.each([
    ['a table', 'drop view dim_colour_current; create table dim_colour_current (own int)'],
    ['a view', 'drop view dim_colour_current; create view dim_colour_current as select 1 as own'],
    [
      'a view that was ours',
      `create or replace view dim_colour_current as
         select colour_id, upper(name)::varchar as name, _object_id from dim_colour`,
    ],
  ])('never replace %s of somebody else', (_, made) =>
    within(async (client) => {
      await client.query(made);
      const before = await ask(client, `select pg_get_viewdef('dim_colour_current'::regclass)`).catch(
        () => [],
      );
      await ensure(client);
      expect(
        await ask(client, `select pg_get_viewdef('dim_colour_current'::regclass)`).catch(() => []),
      ).toEqual(before);
      const [fault, ...others] = await faults(client);
      expect(others).toEqual([]);
      expect(fault).toMatchObject({ table: 'dim_colour', state: 'foreign' });
      await client.query(fault?.statement ?? '');
      await ensure(client);
      expect(await faults(client)).toEqual([]);
      await client.query('select colour_id, name from dim_colour_current');
    })(),
  );

  it(
    'are a finding where the role may not make them, and nothing else waits for that',
    within(async (client) => {
      const loader = await makeRole(client);
      await client.query(`drop view fact_sale_current, dim_colour_current;
        revoke create on schema public from public;
        grant usage on schema public, starlift to ${loader}; grant select on starlift.migration to ${loader}`);
      const found = await as(client, loader, async () => {
        await ensure(client);
        return faults(client);
      });
      const statement = `grant create on schema "public" to ${loader}`;
      const fault = (table: string) => ({
        table,
        view: `public.${table}_current`,
        state: 'forbidden',
        statement,
      });
      expect(found).toEqual([fault('dim_colour'), fault('fact_sale')]);
      await client.query(statement);
      expect(
        await as(client, loader, async () => {
          await ensure(client);
          return faults(client);
        }),
      ).toEqual([]);
    }),
  );

  it(
    'can be read by those who can read their tables, now or later',
    within(async (client) => {
      const [early, late, none] = [await makeRole(client), await makeRole(client), await makeRole(client)];
      const mayRead = async (role: string) =>
        (await ask(client, `select has_table_privilege('${role}', 'fact_sale_current', 'select')`))[0]?.[0];
      await client.query(`drop view fact_sale_current; grant select on fact_sale to ${early}`);
      await ensure(client);
      expect([await mayRead(early), await mayRead(late), await mayRead(none)]).toEqual([true, false, false]);
      await client.query(`grant select on fact_sale to ${late}; ${sales}`);
      await ensure(client);
      expect([await mayRead(early), await mayRead(late), await mayRead(none)]).toEqual([true, true, false]);
      expect(await as(client, late, () => ask(client, notes))).toHaveLength(2);
    }),
  );

  it(
    'show no row that row-level security hides',
    within(async (client) => {
      const reader = await makeRole(client);
      await client.query(`${sales}; drop view fact_sale_current; grant select on fact_sale to ${reader};
        alter table fact_sale enable row level security; create policy one on fact_sale using (sale_id = 2)`);
      await ensure(client);
      const [[version]] = (await ask(client, `select current_setting('server_version_num')::int`)) as [
        [number],
      ];
      const there = await ask(client, `select from pg_class where relname = 'fact_sale_current'`);
      expect(there).toHaveLength(version >= 150_000 ? 1 : 0);
      expect(await faults(client)).toEqual([]);
      if (there.length > 0) expect(await as(client, reader, () => ask(client, notes))).toEqual([[2, 'only']]);
    }),
  );

  it(
    'are looked at without waiting for a locked table',
    within(async (client) => {
      const other = new pg.Client({
        host: client.host,
        port: client.port,
        database: client.database ?? '',
        user: client.user ?? '',
      });
      await other.connect();
      try {
        await other.query('begin; lock table fact_sale, dim_colour');
        await client.query(`set statement_timeout = '5s'`);
        await ensure(client);
        expect(await faults(client)).toEqual([]);
      } finally {
        await other.end();
      }
    }),
  );
});
