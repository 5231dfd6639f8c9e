import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type ColumnDefinition,
  defineDimension,
  formatType,
  int,
  textOf,
  type WarehouseType,
} from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { chooseSeeds } from '../../helpers/jest/seeds.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { ownTypes, type TypeCase, typeCases } from './hostile-values.ts';
import { type ModelRoad, makeModelRoad } from './model-road.ts';

const nameOf = (index: number) => `value_${index}`;

/** Of each type two tables: one has the values, the other one their texts. */
const model = assembleModel({
  name: 'types',
  tables: typeCases.flatMap(({ declared, warehouse }, index) => {
    const source = {
      table: nameOf(index),
      key: ['id'],
      columns: { id: 'int4', v: `${declared}?` } as const,
    };
    const table = (name: string, v: ColumnDefinition) =>
      defineDimension({ name, source, key: ['id'], columns: { id: int('id'), v } });
    return [
      table(nameOf(index), { type: warehouse, from: { kind: 'field', field: 'v' }, nullable: true }),
      table(`${nameOf(index)}_text`, textOf('v', { nullable: true })),
    ];
  }),
});

/** Under which both servers write their texts. */
const settings = `
  set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; set timezone = 'UTC'; set extra_float_digits = 1;
  set bytea_output = 'hex'; set xmloption = 'content'`;

/** A column has one scale for all its values. Money is made a number, as it has to be for another server to read it. */
function castOf(warehouse: WarehouseType, isText: boolean): string {
  if (warehouse.name === 'numeric' && !isText) return `::${formatType(warehouse)}`;
  const sql = formatType(warehouse);
  return isText && sql.startsWith('money') ? `::${sql.replace('money', 'numeric')}` : '';
}

describe('a value of any type', () => {
  let server: PostgresServer;
  let road: ModelRoad;
  let lastId = 0;

  beforeAll(async () => {
    server = await startTemporaryPostgres();
    road = await makeModelRoad(
      await server.createDatabase('types'),
      await server.createDatabase('warehouse'),
    );
    const { source } = road.bench;
    await source.query(`${settings}; ${ownTypes}`);
    for (const [index, { sql }] of typeCases.entries()) {
      await source.query(`create table ${nameOf(index)} (id int primary key, v ${sql})`);
    }
    await source.query('grant select on all tables in schema public to reader');
  });
  afterAll(async () => {
    await road.end();
    await server.stop();
  });

  const fill = async (index: number, values: readonly (string | null)[]) => {
    const ids = values.map(() => ++lastId);
    const { sql } = typeCases[index] as TypeCase;
    await road.bench.source.query(
      `insert into ${nameOf(index)}
       select id, v::${sql} from unnest($1::int[], $2::text[]) as given (id, v)`,
      [ids, values],
    );
  };

  /** What the source has of the rows behind an id, and what the warehouse has to have of them. */
  const rowsOfSource = async (
    index: number,
    { unfit, warehouse }: TypeCase,
    isText: boolean,
    after: number,
  ) => {
    const fits = unfit === undefined || isText ? 'true' : `v is null or not (${unfit})`;
    const { rows } = await road.bench.source.query<{ id: number; text: string | null; fits: boolean }>(
      `select id, case when ${fits} then v${castOf(warehouse, isText)}::text end as text, ${fits} as fits
         from ${nameOf(index)} where id > ${after} order by id`,
    );
    return {
      fitting: rows.filter((row) => row.fits).map(({ id, text }) => ({ id, text })),
      unfit: rows.filter((row) => !row.fits).map(({ id }) => id),
    };
  };

  const rowsOfWarehouse = (table: string, after: number) =>
    road.warehouse.withClient(async (client) => {
      await client.query(settings);
      const { rows } = await client.query(
        `select id, v::text as text from ${table} where id > ${after} order by id`,
      );
      return rows;
    });

  const expectExact = async (after: number) => {
    const quarantined = road.quarantined();
    for (const [index, each] of typeCases.entries()) {
      for (const isText of [false, true]) {
        const table = nameOf(index) + (isText ? '_text' : '');
        const { fitting, unfit } = await rowsOfSource(index, each, isText, after);
        const label = `${each.sql} as ${isText ? 'text' : each.warehouse.name}`;
        expect({ label, rows: await rowsOfWarehouse(table, after) }).toEqual({ label, rows: fitting });
        const keys = (quarantined.get(table) ?? [])
          .map(({ key }) => Number(key))
          .filter((key) => key > after);
        expect({ label, keys }).toEqual({ label, keys: unfit });
      }
    }
  };

  it('lands as the source writes it, or in quarantine where no type of the zones holds it', async () => {
    for (const [index, { extremes }] of typeCases.entries()) await fill(index, [...extremes, null]);
    await road.run(model);
    await expectExact(0);
  });

  it.each(chooseSeeds('every value', { short: 2, long: 50 }))(
    'lands as the source writes it, whatever it is (seed %i)',
    async (seed) => {
      const before = lastId;
      for (const [index, { values }] of typeCases.entries()) {
        await fill(index, fc.sample(fc.option(values, { freq: 9 }), { seed, numRuns: 30 }));
      }
      await road.run(model);
      await expectExact(before);
    },
    120_000,
  );
});
