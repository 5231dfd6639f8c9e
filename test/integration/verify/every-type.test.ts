import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type pg from 'pg';
import { connect } from '../../../cli/database/connect.ts';
import { verifyWarehouse } from '../../../cli/verify/verify-warehouse.ts';
import {
  defineDimension,
  defineFact,
  formatType,
  int,
  type SourceType,
  textOf,
} from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { ownTypes, typeCases } from '../types/hostile-values.ts';
import { differences } from './exact-copy.ts';

const nameOf = (index: number) => `value_${index}`;
const textNameOf = (index: number) => `${nameOf(index)}_text`;
const keyNameOf = (index: number) => `${nameOf(index)}_key`;
const warehouseTypeOf = (index: number) => formatType(typeCases[index]?.warehouse ?? { name: 'text' });

/** Of each type a table with its values, one with their texts, and one whose rows are told by them. */
const model = assembleModel({
  name: 'types',
  tables: typeCases.flatMap(({ declared, warehouse }, index) => {
    const columns: Record<string, SourceType | `${SourceType}?`> = { id: 'int4', v: `${declared}?` };
    const source = { table: nameOf(index), key: ['id'], columns };
    const value = { type: warehouse, from: { kind: 'field', field: 'v' } } as const;
    return [
      defineDimension({
        name: nameOf(index),
        source,
        key: ['id'],
        columns: { id: int('id'), v: { ...value, nullable: true } },
      }),
      defineDimension({
        name: textNameOf(index),
        source,
        key: ['id'],
        columns: { id: int('id'), v: textOf('v', { nullable: true }) },
      }),
      defineFact({
        name: keyNameOf(index),
        source,
        key: ['v', 'id'],
        versions: ['id'],
        columns: { id: int('id'), v: { ...value, nullable: false } },
      }),
    ];
  }),
});

/** Of the values besides the extremes. */
const seed = 20;

/** Under which a copy by text keeps every value. */
const settings = `
  set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; set timezone = 'UTC'; set extra_float_digits = 1;
  set bytea_output = 'hex'; set xmloption = 'content'`;

/** Neither server writes values as the other one does by itself. */
const otherSettings = {
  datestyle: 'SQL, DMY',
  timezone: 'Asia/Tokyo',
  intervalstyle: 'iso_8601',
  extra_float_digits: '-15',
  bytea_output: 'escape',
};

describe('verify, of any type,', () => {
  let servers: PostgresServer[] = [];
  let source: pg.Client;
  let warehouse: pg.Client;

  beforeAll(async () => {
    servers = await Promise.all([
      startTemporaryPostgres(),
      startTemporaryPostgres({ settings: otherSettings }),
    ]);
    const [from, to] = servers;
    if (from === undefined || to === undefined) throw new Error('two servers were started');
    const urls = [await from.createDatabase('types'), await to.createDatabase('warehouse')] as const;
    source = await connect(urls[0], 'source');
    const filling = await connect(urls[1], 'warehouse');
    await source.query(`${settings}; ${ownTypes}`);
    await filling.query(settings);
    for (const [index, { sql, extremes, values, unfit }] of typeCases.entries()) {
      await source.query(`create table ${nameOf(index)} (id int primary key, v ${sql})`);
      await source.query(
        `insert into ${nameOf(index)} select id, v::${sql} from unnest($1::text[]) with ordinality as given (v, id)`,
        [[...extremes, ...fc.sample(values, { seed, numRuns: 20 })]],
      );
      await copyValues(filling, index, unfit);
    }
    await filling.end();
    await source.end();
    // As the servers are by themselves.
    source = await connect(urls[0], 'source');
    warehouse = await connect(urls[1], 'warehouse');
  });
  afterAll(async () => {
    await Promise.all([source?.end(), warehouse?.end()]);
    await Promise.all(servers.map((server) => server.stop()));
  });

  /** By the texts that the source writes. A value that the warehouse cannot hold is left out. */
  async function copyValues(filling: pg.Client, index: number, unfit: string | undefined): Promise<void> {
    const isMoney = typeCases[index]?.sql === 'money';
    const { rows } = await source.query<{ id: number; text: string | null; fits: boolean }>(
      `select id, v${isMoney ? '::numeric' : ''}::text as text, not coalesce(${unfit ?? 'false'}, false) as fits
         from ${nameOf(index)}`,
    );
    const type = warehouseTypeOf(index);
    const fill = async (table: string, as: string, filled: typeof rows) => {
      await filling.query(`create table ${table} (id int, v ${as})`);
      await filling.query(
        `insert into ${table} select id, v::${as} from unnest($1::int[], $2::text[]) as given (id, v)`,
        [filled.map(({ id }) => id), filled.map(({ text }) => text)],
      );
    };
    const fitting = rows.filter(({ fits }) => fits);
    await fill(nameOf(index), type, fitting);
    await fill(keyNameOf(index), type, fitting);
    await fill(textNameOf(index), 'text', rows);
  }

  const verify = () => verifyWarehouse({ source, warehouse, warehouseSchema: 'public', model });

  /** Of each table, how many values the warehouse cannot hold. */
  async function countUnfit(): Promise<Record<string, { missing: number }>> {
    const counts: Record<string, { missing: number }> = {};
    for (const [index, { unfit }] of typeCases.entries()) {
      if (unfit === undefined) continue;
      const { rows } = await source.query<{ count: number }>(
        `select count(*)::int as count from ${nameOf(index)} where ${unfit}`,
      );
      const missing = rows[0]?.count ?? 0;
      if (missing === 0) continue;
      counts[nameOf(index)] = { missing };
      counts[keyNameOf(index)] = { missing };
    }
    return counts;
  }

  it('finds every value as the source has it, as itself, as text and in a key', async () => {
    const report = await verify();
    expect(report.tables.flatMap(({ problem }) => problem ?? [])).toEqual([]);
    expect(differences(report)).toEqual(await countUnfit());
    expect(report.tables.every(({ expected, missing }) => expected > 0 && missing < expected)).toBe(true);
  });

  it('finds one row of each table that is gone, and one that is there too much', async () => {
    const unfit = await countUnfit();
    await warehouse.query('begin');
    for (const { name } of model.tables) {
      await warehouse.query(`delete from ${name} where id = (select min(id) from ${name});
        insert into ${name} select 1000, v from ${name} where id = (select max(id) from ${name})`);
    }
    await warehouse.query('commit');
    const expected = model.tables.map(({ name }) => [
      name,
      { missing: 1 + (unfit[name]?.missing ?? 0), extra: 1 },
    ]);
    expect(differences(await verify())).toEqual(Object.fromEntries(expected));
  });
});
