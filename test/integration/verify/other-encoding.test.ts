import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { connect } from '../../../cli/database/connect.ts';
import { parseExpectations } from '../../../cli/verify/expected/expect-files.ts';
import { verifyWarehouse } from '../../../cli/verify/verify-warehouse.ts';
import { defineDimension, text } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { differences, examples } from './exact-copy.ts';

const model = assembleModel({
  name: 'words',
  tables: [
    defineDimension({
      name: 'dim_word',
      source: { table: 'word', key: ['word'], columns: { word: 'varchar', sense: 'varchar' } },
      key: ['word'],
      columns: { word: text('word'), sense: text('sense') },
    }),
  ],
});

// 0x80 of WIN1252 is the euro sign, which UTF-8 has behind all others of these.
const words = ['Z', 'a', 'a b', 'ab', 'é', 'ÿ', 'Ÿ', '€', '™', 'z', '', 'ß'];

describe.each(['WIN1252', 'UTF8'])('verify, of a source in %s,', (encoding) => {
  let server: PostgresServer;
  let source: pg.Client;
  let warehouse: pg.Client;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    const own = await connect(server.url(), 'source');
    // Temporary servers have dropped it, and only a template of this name may be copied into another encoding.
    await own.query('create database template0').catch(() => {});
    await own.query(`create database words encoding '${encoding}' locale 'C' template template0`);
    await own.end();
    source = await connect(server.url('words'), 'source');
    warehouse = await connect(await server.createDatabase('star'), 'warehouse');
    await source.query(`create table word (word varchar, sense varchar)`);
    await warehouse.query('create table dim_word (word text, sense text)');
    await source.query(`insert into word select word, 'sense' from unnest($1::text[]) as word`, [words]);
    await warehouse.query(`insert into dim_word select word, 'sense' from unnest($1::text[]) as word`, [
      words,
    ]);
  });
  afterAll(async () => {
    await Promise.all([source.end(), warehouse.end()]);
    await server.stop();
  });

  const options = () => ({ source, warehouse, warehouseSchema: 'public', model });

  it('merges keys of text in one order', async () => {
    expect(differences(await verifyWarehouse(options()))).toEqual({});
    await warehouse.query(`update dim_word set word = '京' where word = '€'`);
    const report = await verifyWarehouse(options());
    expect(examples(report)).toEqual([
      { kind: 'missing', table: 'dim_word', key: '€' },
      { kind: 'extra', table: 'dim_word', key: '京' },
    ]);
    await warehouse.query(`update dim_word set word = '€' where word = '京'`);
  });

  it('sends no character of a query of the user’s own that the source lacks', async () => {
    const sql = `select word, case word when '€' then 'Евро 😀' when 'é' then 'é' else sense end as sense from word`;
    const expectations = parseExpectations({ dim_word: sql }, model);
    const report = await verifyWarehouse({ ...options(), expectations });
    expect(examples(report)).toEqual([
      { kind: 'different', table: 'dim_word', key: 'é', column: 'sense', expected: 'é', found: 'sense' },
      {
        kind: 'different',
        table: 'dim_word',
        key: '€',
        column: 'sense',
        expected: 'Евро 😀',
        found: 'sense',
      },
    ]);
    expect(report.tables.map(({ problem }) => problem)).toEqual([undefined]);
  });
});
