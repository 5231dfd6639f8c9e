import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { answerSql, makeExamples, type SqlLimits, sqlLimits } from '../../../cli/console/answers/sql.ts';
import { connect } from '../../../cli/database/connect.ts';
import { prepareWarehouse } from '../../../shared/warehouse/ensure-warehouse.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../helpers/seen.ts';

describe('the SQL box of the console', () => {
  let server: PostgresServer;
  let url: string;
  let owner: pg.Client;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    url = await server.createDatabase('star');
    owner = await connect(url, 'warehouse');
    await owner.query('create table kept (id int primary key, name text); create sequence numbers');
    await owner.query("insert into kept select n, 'row ' || n from generate_series(1, 5000) n");
    await owner.query('create role loader login; grant select, insert, update, delete on kept to loader');
  });
  afterAll(async () => {
    await owner?.end();
    await server?.stop();
  });

  const never = new AbortController().signal;
  const as = (user: string) => ({
    connectWarehouse: () => connect(url.replace('postgres@', `${user}@`), 'warehouse'),
  });
  const ask = (query: unknown, limits: SqlLimits = sqlLimits, user = 'loader') =>
    answerSql(as(user), query, never, limits);

  it('answers what a statement selects, as Postgres writes it', async () => {
    const answer = await ask(
      "select 9223372036854775807 as big, null as nothing, '' as empty, 'x;y' as text;",
    );
    expect(answer).toMatchObject({
      columns: [
        { name: 'big', isNumber: true },
        { name: 'nothing', isNumber: false },
        { name: 'empty', isNumber: false },
        { name: 'text', isNumber: false },
      ],
      rows: [['9223372036854775807', null, '', 'x;y']],
      isCut: false,
    });
    for (const query of [
      'table kept',
      'values (1)',
      'show server_version',
      'explain select 1',
      '-- a comment\n/* and another */ (select 1)',
      'with a as (select 1) select * from a',
    ])
      expect((await ask(query)).rows.length).toBeGreaterThan(0);
  });

  it('asks nothing as a superuser, who may read password hashes and files, and run programs', async () => {
    for (const query of ['select 1', 'select rolpassword from pg_authid', 'show server_version'])
      await expect(ask(query, sqlLimits, 'postgres')).rejects.toThrow('asks nothing as a superuser');
  });

  it('changes nothing, and reads tables alone, although its user may write', async () => {
    const file = join(tmpdir(), `starlift-written-${process.pid}`);
    for (const query of [
      "insert into kept values (0, 'x')",
      'update kept set id = -id',
      'delete from kept',
      'truncate kept',
      'drop table kept',
      'create table made (id int)',
      'set default_transaction_read_only = off',
      'begin read write',
      'commit',
      `copy (select 1) to '${file}'`,
      `copy (select 1) to program 'touch ${file}'`,
      'do $$ begin delete from kept; end $$',
      'call something()',
      'vacuum',
      'select 1; delete from kept',
      'select 1; commit; delete from kept',
      'with gone as (delete from kept returning id) select * from gone',
      'select * into made from kept',
      'explain analyze delete from kept',
      "select nextval('numbers')",
      "select setval('numbers', 9)",
      `select lo_export(lo_create(0), '${file}')`,
      "select pg_read_file('/etc/passwd')",
      "select set_config('role', 'postgres', true), pg_read_file('/etc/passwd')",
      "select pg_ls_dir('/')",
      'select pg_reload_conf()',
      'select rolpassword from pg_authid',
    ])
      await expect(ask(query)).rejects.toMatchObject({ exitCode: 2 });
    expect(existsSync(file)).toBe(false);
    const { rows } = await owner.query(
      "select (select count(*)::int from kept) as kept, (select last_value::int from numbers) as last, to_regclass('made') as made",
    );
    expect(rows).toEqual([{ kept: 5000, last: 1, made: null }]);
  });

  it('ends what takes too long on the server, and says so', async () => {
    const begun = Date.now();
    await expect(ask('select pg_sleep(60)', { ...sqlLimits, seconds: 1 })).rejects.toThrow(
      'it took longer than 1 s and was cancelled; starlift sql has no limit',
    );
    expect(Date.now() - begun).toBeLessThan(20_000);
    await noneIsLeft();
  });

  it('ends with the page that has asked', async () => {
    const left = new AbortController();
    const asked = answerSql(as('loader'), 'select pg_sleep(61)', left.signal);
    const refused = expect(asked).rejects.toMatchObject({ exitCode: 2 });
    await seen(async () => (await running()).length === 1);
    left.abort();
    await refused;
    await noneIsLeft();
  });

  const running = async () =>
    (
      await owner.query(
        "select from pg_stat_activity where state = 'active' and query like 'select pg_sleep(6%'",
      )
    ).rows;
  const noneIsLeft = () => seen(async () => (await running()).length === 0);

  it('stops at as many rows and bytes as a page can show', async () => {
    const cut = await ask('select id, name from kept order by id');
    expect([cut.rows.length, cut.isCut]).toEqual([1000, true]);
    expect(cut.rows.at(-1)).toEqual(['1000', 'row 1000']);
    expect(cut.columns.map(({ name }) => name)).toEqual(['id', 'name']);
    const whole = await ask('select id from kept order by id limit 1000');
    expect([whole.rows.length, whole.isCut]).toEqual([1000, false]);
    const wide = await ask("select repeat('x', 1000000) from generate_series(1, 500)");
    expect(wide.isCut).toBe(true);
    expect(wide.rows.length).toBeLessThan(10);
  });

  it('says what the server has against a statement, with the place', async () => {
    await expect(ask('select nothing from kept')).rejects.toThrow(
      /column "nothing" does not exist\nLINE 1: select nothing from kept\n {15}\^/,
    );
    for (const query of ['', '  ', undefined, 1, '\\d kept', ';'])
      await expect(ask(query)).rejects.toMatchObject({ exitCode: 2 });
  });

  it('has three examples of the current views, which the warehouse answers', async () => {
    await owner.query('alter default privileges grant select on tables to loader');
    await prepareWarehouse(owner, totesys, { schema: 'public', foreignKeys: 'declared' });
    const examples = makeExamples({ model: totesys, warehouseSchema: 'public' });
    expect(examples).toHaveLength(3);
    for (const { query } of examples) {
      expect(query).toContain('_current');
      expect((await ask(query)).columns.some(({ isNumber }) => isNumber)).toBe(true);
    }
  });
});
