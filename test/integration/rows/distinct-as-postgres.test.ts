import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { areDistinct, distinctValues } from '../../../services/loading/rows/column-values.ts';
import { keyTexts } from '../../../services/loading/rows/key-texts.ts';
import { formatType } from '../../../shared/model/define.ts';
import { readParquet } from '../../../shared/parquet/read-parquet.ts';
import { writeParquet } from '../../../shared/parquet/write-parquet.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { type TextRow, toBatch } from '../../helpers/rows/text-rows.ts';
import { everyType, row, table } from './every-type.ts';

const columns = table.columns.map(({ name }) => name);
const sqlTypes = table.columns.map(({ type }) => (type.name === 'carried' ? 'text' : formatType(type)));
/** json has no equality, so it is no key. */
const keyColumns = columns.filter((name) => name !== 'a_json');

/** A key has no nulls; few values, so that rows share some. */
const someRows = fc.array(row, { minLength: 1, maxLength: 4 }).chain((pool) =>
  fc.array(fc.record(Object.fromEntries(columns.map((name) => [name, pick(pool, name)]))), {
    minLength: 1,
    maxLength: 12,
  }),
);
const standIn: TextRow = {
  a_int: '0',
  a_text: '',
  a_bool: 'true',
  a_date: '2000-01-01',
  a_time: '00:00:00',
  a_price: '0.00',
  a_count: '0',
  a_ratio: '0.00000',
  a_wide: '0.00000000000000000',
  a_small: '0',
  a_big: '0',
  a_real: '0',
  a_double: '0',
  a_note: '',
  a_moment: '2000-01-01 00:00:00',
  an_instant: '2000-01-01 00:00:00+00',
  a_uuid: '00000000-0000-0000-0000-000000000000',
  some_bytes: '\\x',
  a_json: '1',
  a_jsonb: '1',
  an_interval: '1 day',
};
const pick = (pool: TextRow[], name: string) =>
  fc.constantFrom(...pool.map((each) => each[name] ?? standIn[name] ?? null));

describe('the values of key columns', () => {
  let server: PostgresServer;
  let client: pg.Client;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    client = new pg.Client({ connectionString: server.url() });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await server.stop();
  });

  const countInPostgres = async (rows: readonly TextRow[], names: readonly string[]): Promise<number> => {
    const casts = names.map((name) => `(r ->> '${name}')::${sqlTypes[columns.indexOf(name)]}`);
    const { rows: counted } = await client.query<{ count: number }>(
      `select count(*)::int from (select distinct ${casts.join(', ')} from jsonb_array_elements($1) r) d`,
      [JSON.stringify(rows)],
    );
    return counted[0]?.count ?? -1;
  };

  it('are distinct when Postgres says so, of every type and of several columns together', async () => {
    await fc.assert(
      fc.asyncProperty(
        someRows,
        fc.nat(),
        fc.subarray(keyColumns, { minLength: 1, maxLength: 3 }),
        async (rows, cut, names) => {
          const at = cut % (rows.length + 1);
          const parquet = await writeParquet(
            table,
            [rows.slice(0, at), rows.slice(at)].map((part) => toBatch(table, part)),
          );
          const batches = await readParquet(table, 'any', parquet);
          const indexes = names.map((name) => columns.indexOf(name));
          expect(areDistinct(batches, indexes)).toBe((await countInPostgres(rows, names)) === rows.length);
        },
      ),
      { numRuns: 200 },
    );
  });

  it.each(keyColumns)('of %s are handed to Postgres as what they are, each once', async (name) => {
    const index = columns.indexOf(name);
    await fc.assert(
      fc.asyncProperty(someRows, async (rows) => {
        const type = table.columns[index]?.type;
        if (type === undefined) throw new Error(`there is no column ${name}`);
        const values = keyTexts(type, distinctValues([toBatch(table, rows)], index));
        expect(values).toHaveLength(await countInPostgres(rows, [name]));
        const missing = await client.query(
          `select from jsonb_array_elements($1) r
            where (r ->> '${name}')::${sqlTypes[index]} <> all ($2::${sqlTypes[index]}[])`,
          [JSON.stringify(rows), values],
        );
        expect(missing.rowCount).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('are of every type that a column can have', () => {
    const names = new Set(Object.values(everyType).map(({ type }) => type.name));
    expect([...names].sort()).toEqual([
      ...[
        'bigint',
        'boolean',
        'bytea',
        'carried',
        'date',
        'double precision',
        'int',
        'json',
        'jsonb',
        'numeric',
      ],
      ...['real', 'smallint', 'text', 'time', 'timestamp', 'timestamptz', 'uuid', 'varchar'],
    ]);
  });
});
