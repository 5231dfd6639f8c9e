import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import {
  type CensusRange,
  inRange,
  rangeOrder,
  sourceRangeColumns,
  warehouseRangeColumns,
} from '../../../shared/census/range.ts';
import { carried, type SourceType, type WarehouseType } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { quoteLiteral } from '../../../shared/postgres/identifier.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';

interface KeyType {
  source: string;
  type: SourceType;
  warehouse: string;
  values: readonly string[];
}

const words = [
  'a',
  'A',
  'ä',
  'Ä',
  'b',
  'B',
  'ab',
  'a b',
  'a-b',
  '_',
  '-',
  'é',
  'e',
  'zz',
  'Z',
  '',
  "it's",
  '\\',
  '😀',
];
const types: readonly KeyType[] = [
  { source: 'int4', type: 'int4', warehouse: 'int', values: ['-5', '0', '3', '20', '100'] },
  {
    source: 'int8',
    type: 'int8',
    warehouse: 'bigint',
    values: ['-9007199254740993', '9007199254740992', '9007199254740993'],
  },
  {
    source: 'uuid',
    type: 'uuid',
    warehouse: 'uuid',
    values: [
      '00000000-0000-0000-0000-000000000001',
      'a0000000-0000-0000-0000-000000000000',
      '90000000-0000-0000-0000-000000000000',
    ],
  },
  { source: 'numeric', type: 'numeric', warehouse: 'numeric', values: ['1.0', '10', '9.99', '-0.5', 'NaN'] },
  {
    source: 'numeric(12,3)',
    type: 'numeric(12,3)',
    warehouse: 'numeric(14,4)',
    values: ['1.0', '1.010', '10', '9.5', '-7'],
  },
  {
    source: 'date',
    type: 'date',
    warehouse: 'date',
    values: ['0001-01-01 BC', '1999-12-31', '2024-02-29', '10000-01-01'],
  },
  { source: 'text collate "en-x-icu"', type: 'varchar', warehouse: 'text', values: words },
  {
    source: 'text collate loose',
    type: 'varchar',
    warehouse: 'varchar collate "C"',
    values: words.filter((each) => !['A', 'Ä', 'B', 'ä', 'é'].includes(each)),
  },
  {
    source: 'char(6)',
    type: 'varchar',
    warehouse: 'text collate "en-x-icu"',
    values: words.filter((each) => each !== ''),
  },
  { source: 'mood', type: 'varchar', warehouse: 'text', values: ['sad', 'ok', 'happy'] },
];

const warehouseTypeOf = ({ warehouse }: KeyType): WarehouseType => carried(warehouse, 'k').type;

describe('the range of a key', () => {
  let server: PostgresServer;
  let source: pg.Client;
  let warehouse: pg.Client;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    [source, warehouse] = (await Promise.all(
      ['range_source', 'range_warehouse'].map(async (name) => {
        const client = new pg.Client({ connectionString: await server.createDatabase(name) });
        await client.connect();
        await client.query(`create collation loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
          create type mood as enum ('sad', 'ok', 'happy')`);
        return client;
      }),
    )) as [pg.Client, pg.Client];
    // Another session's habits change nothing.
    await warehouse.query("set datestyle = 'German, DMY'");
  });
  afterAll(async () => {
    await Promise.all([source?.end(), warehouse?.end()]);
    await server?.stop();
  });

  it.each(types)('of type $source has the same keys on both sides, for each bound', async (type) => {
    const model = assembleModel({
      name: 'test',
      tables: [
        {
          kind: 'table',
          name: 'copied',
          source: { table: 'original', key: ['k', 'n'], columns: { n: 'int4', k: type.type } },
          // In another order, and under another name.
          key: ['number', 'key'],
          columns: {
            number: { type: { name: 'int' }, from: { kind: 'field', field: 'n' }, nullable: false },
            key: { type: warehouseTypeOf(type), from: { kind: 'field', field: 'k' }, nullable: false },
          },
        },
      ],
    });
    const copied = model.table('copied');
    if (copied.kind === 'calendar') throw new TypeError('a calendar');
    const plain = type.source.split(' collate')[0];
    await source.query(`
      drop table if exists original;
      create table original (id int generated always as identity, n int, k ${type.source})`);
    await source.query(
      `insert into original (n, k) select n, k::${plain} from unnest($1::text[]) k, generate_series(1, 3) n`,
      [type.values],
    );
    const { rows: keys } = await source.query<{ id: number; k: string; n: number }>(
      'select id, k::text as k, n from original',
    );
    await warehouse.query(`
      drop table if exists copied;
      create table copied (id int, number int, key ${type.warehouse})`);
    for (const { id, k, n } of keys)
      await warehouse.query(`insert into copied values (${id}, ${n}, ${quoteLiteral(k)})`);

    const inSource = sourceRangeColumns(copied.source, 'source');
    if (inSource === undefined) throw new TypeError('has no ranges');
    const inWarehouse = warehouseRangeColumns(copied, 't');
    const { rows: sorted } = await source.query<{ k: string; n: string }>(
      `select k::text as k, n::text as n from original as source order by ${rangeOrder(inSource)}`,
    );
    const bounds = [undefined, ...sorted.map(({ k, n }) => [k, n])];
    for (const [index, to] of bounds.entries()) {
      const from = bounds[Math.floor(index / 2)];
      const range: CensusRange = { ...(from && { from }), ...(to && { to }) };
      const idsOf = async (client: pg.Client, from: string, condition: string) => {
        const { rows } = await client.query<{ id: number }>(
          `select id from ${from} where ${condition} order by 1`,
        );
        return rows.map(({ id }) => id);
      };
      const expected = await idsOf(source, 'original as source', inRange(inSource, range));
      if (to !== undefined)
        expect(expected.length).toBe(index - 1 - (from === undefined ? 0 : Math.floor(index / 2) - 1));
      expect(await idsOf(warehouse, 'copied as t', inRange(inWarehouse, range))).toEqual(expected);
    }
  });
});
