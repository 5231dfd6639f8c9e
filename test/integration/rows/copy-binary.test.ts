import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { encodeCopyRows } from '../../../services/loading/rows/encode-rows.ts';
import { copyIn } from '../../../shared/postgres/copy-in.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { type TextRow, toBatch } from '../../helpers/rows/text-rows.ts';
import { everyType, numeric, row, table } from './every-type.ts';

describe('rows in the binary format of COPY', () => {
  let server: PostgresServer;
  let client: pg.Client;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    client = new pg.Client({ connectionString: server.url() });
    await client.connect();
    await client.query(`
      set timezone = 'UTC';
      create table copied (
        a_int int, a_text varchar, a_bool boolean, a_date date, a_time time, a_price numeric(10, 2),
        a_count numeric(12, 0), a_ratio numeric(15, 5), a_wide numeric(38, 17), a_small smallint, a_big bigint,
        a_real real, a_double double precision, a_note text, a_moment timestamp, an_instant timestamptz,
        a_uuid uuid, some_bytes bytea, a_json json, a_jsonb jsonb, an_interval text, object_id int8,
        nth bigserial)`);
  });
  afterAll(async () => {
    await client.end();
    await server.stop();
  });

  const copyAndReadBack = async (batches: TextRow[][], objectId: string) => {
    await client.query('truncate copied');
    const columns = [...Object.keys(everyType), 'object_id'];
    await copyIn(
      client,
      `copy copied (${columns.join(', ')}) from stdin (format binary)`,
      encodeCopyRows(
        batches.map((rows) => toBatch(table, rows)),
        { types: table.columns.map(({ type }) => type), objectId },
      ),
    );
    const { rows } = await client.query(
      `select ${columns.map((name) => `${name}::text`).join(', ')} from copied order by nth`,
    );
    return rows;
  };

  it('are read by Postgres as they were written, whatever they hold', async () => {
    const objectId = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(row, { maxLength: 30 }), { maxLength: 3 }),
        objectId,
        async (batches, id) => {
          expect(await copyAndReadBack(batches, id)).toEqual(
            batches.flat().map((written) => ({ ...written, object_id: id })),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it('may be larger than a chunk, together and each', async () => {
    const long = (length: number): TextRow => ({
      ...nothing,
      a_text: 'é'.repeat(length),
    });
    const rows = [
      long(3),
      long(400_000),
      ...Array.from({ length: 300 }, (_, n) => long(n * 7)),
      long(131_000),
    ];
    const read = await copyAndReadBack([rows], '1');
    expect(read.map(({ a_text }) => a_text)).toEqual(rows.map(({ a_text }) => a_text));
  });

  it('leave numerics in the very bytes in which Postgres keeps its own', async () => {
    await fc.assert(
      fc.asyncProperty(numeric(15, 5), numeric(38, 17), async (ratio, wide) => {
        await copyAndReadBack([[{ ...nothing, a_ratio: ratio, a_wide: wide }]], '1');
        const { rows } = await client.query<{ are_same: boolean }>(
          `select numeric_send(a_ratio) = numeric_send($1::numeric(15, 5))
              and numeric_send(a_wide) = numeric_send($2::numeric(38, 17)) as are_same
             from copied`,
          [ratio, wide],
        );
        expect(rows).toEqual([{ are_same: true }]);
      }),
      { numRuns: 100 },
    );
  });

  it('are refused where a numeric has more digits than its column', async () => {
    for (const [name, digits] of [
      ['a_price', 10n ** 12n],
      ['a_price', -(10n ** 30n)],
      ['a_ratio', 10n ** 30n],
    ] as const) {
      const batch = toBatch(table, [{ ...nothing, [name]: '0' }]);
      const column = batch.data.children[Object.keys(everyType).indexOf(name)];
      const words = new BigUint64Array(column?.values.buffer, column?.values.byteOffset, 2);
      words.set([BigInt.asUintN(64, digits), BigInt.asUintN(64, digits >> 64n)]);
      expect(() => [...encodeCopyRows([batch])]).toThrow('a numeric has more digits than its column');
    }
  });
});

const nothing: TextRow = Object.fromEntries(Object.keys(everyType).map((name) => [name, null]));
