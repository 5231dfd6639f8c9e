import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { encodeCopyRows } from '../../../services/loading/copy-binary/encode-rows.ts';
import { copyIn } from '../../../shared/postgres/copy-in.ts';
import { assembleStarSchema } from '../../../shared/star-schema/assemble.ts';
import type { ColumnDefinition, WarehouseType } from '../../../shared/star-schema/define.ts';
import { table as calendar } from '../../../shared/star-schema/tables/dim-date.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/temporary-postgres.ts';
import { type TextRow, toBatch } from './parquet-objects.ts';

const column = (type: WarehouseType): ColumnDefinition => ({
  type,
  from: { kind: 'field', field: 'id' },
  nullable: true,
});

const everyType = {
  a_int: column({ name: 'int' }),
  a_text: column({ name: 'varchar' }),
  a_bool: column({ name: 'boolean' }),
  a_date: column({ name: 'date' }),
  a_time: column({ name: 'time' }),
  a_price: column({ name: 'numeric', precision: 10, scale: 2 }),
  a_count: column({ name: 'numeric', precision: 12, scale: 0 }),
  a_ratio: column({ name: 'numeric', precision: 15, scale: 5 }),
  a_wide: column({ name: 'numeric', precision: 38, scale: 17 }),
};

const model = assembleStarSchema([
  calendar,
  {
    kind: 'dimension',
    name: 'dim_every_type',
    source: { table: 'every_type', key: 'id', columns: { id: 'int4' } },
    key: 'a_int',
    columns: everyType,
  },
]);
const table = model.table('dim_every_type');

/** A number of at most this many digits, as Postgres writes it. */
const numeric = (precision: number, scale: number) =>
  fc
    .oneof(
      fc.bigInt({ min: -(10n ** BigInt(precision)) + 1n, max: 10n ** BigInt(precision) - 1n }),
      fc.constantFrom(0n, 1n, -1n, 10n ** BigInt(precision) - 1n, 1n - 10n ** BigInt(precision)),
      fc.bigInt({ min: -20_000n, max: 20_000n }),
      fc.integer({ min: 0, max: precision - 1 }).map((zeros) => 10n ** BigInt(zeros)),
    )
    .map((unscaled) => {
      const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
      const point = digits.length - scale;
      const fraction = scale === 0 ? '' : `.${digits.slice(point)}`;
      return `${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}${fraction}`;
    });

const pad = (value: number, length: number) => String(value).padStart(length, '0');
const int = fc.oneof(fc.integer(), fc.constantFrom(0, -1, 2 ** 31 - 1, -(2 ** 31))).map(String);
const hostile = ['', '\\N', 'NULL', '"', "'", '\\', '\t\r\n', '\u2028', '😀', '\u0001', '\ufeff'];
const text = fc
  .oneof(fc.constantFrom(...hostile), fc.string({ unit: 'binary', maxLength: 40 }))
  .map((characters) => characters.replaceAll('\u0000', '').toWellFormed());
const date = fc
  .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((moment) => moment.toISOString().slice(0, 10));
const time = fc
  .tuple(fc.nat(23), fc.nat(59), fc.nat(59), fc.nat(999_999))
  .map(([h, m, s, us]) => `${pad(h, 2)}:${pad(m, 2)}:${pad(s, 2)}${us ? `.${pad(us, 6)}` : ''}`)
  .map((clock) => (clock.includes('.') ? clock.replace(/0+$/, '') : clock));
const orNull = (values: fc.Arbitrary<string>) => fc.option(values, { nil: null, freq: 8 });

const row: fc.Arbitrary<TextRow> = fc.record({
  a_int: orNull(int),
  a_text: orNull(text),
  a_bool: orNull(fc.constantFrom('true', 'false')),
  a_date: orNull(date),
  a_time: orNull(time),
  a_price: orNull(numeric(10, 2)),
  a_count: orNull(numeric(12, 0)),
  a_ratio: orNull(numeric(15, 5)),
  a_wide: orNull(numeric(38, 17)),
});

describe('rows in the binary format of COPY', () => {
  let server: PostgresServer;
  let client: pg.Client;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    client = new pg.Client({ connectionString: server.url() });
    await client.connect();
    await client.query(`
      create table copied (
        a_int int, a_text varchar, a_bool boolean, a_date date, a_time time, a_price numeric(10, 2),
        a_count numeric(12, 0), a_ratio numeric(15, 5), a_wide numeric(38, 17), object_id int8,
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
        objectId,
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
      ...Object.fromEntries(Object.keys(everyType).map((name) => [name, null])),
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

  it("hold numerics in the very bytes that Postgres' own sends", async () => {
    await fc.assert(
      fc.asyncProperty(numeric(15, 5), async (price) => {
        const chunks = [...encodeCopyRows([toBatch(table, [{ a_ratio: price }])])].map((chunk) =>
          Buffer.from(chunk),
        );
        const { rows } = await client.query<{ sent: Buffer }>(
          'select numeric_send($1::numeric(15, 5)) as sent',
          [price],
        );
        expect(Buffer.concat(chunks).includes(rows[0]?.sent ?? 'nothing')).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});
