import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type TransformDeps, transformObject } from '../../../services/transformation/transform.ts';
import { TerminalError } from '../../../shared/errors.ts';
import type { PipelineEvent } from '../../../shared/events.ts';
import { starSchema } from '../../../shared/star-schema/star-schema.ts';
import { readParquetRows } from '../../unit/transform/parquet-rows.ts';
import { ingest, ingestedKey, listKeys, openZones, paymentLine, type Zones } from './zones.ts';

const path = '2024/02/29/20240229T235959999Z00af';
const factKey = `fact_payment/${path}-0001-r0.parquet`;
const dateKey = `dim_date/${path}-0001-r0.parquet`;
const quarantineKey = `quarantine/fact_payment/${path}-0001-r0.ndjson`;

let zones: Zones;
let events: PipelineEvent[];
let warnings: Record<string, unknown>[];
let deps: TransformDeps;

beforeEach(async () => {
  zones = await openZones();
  events = [];
  warnings = [];
  deps = {
    ingested: zones.ingested,
    processed: zones.processed,
    model: starSchema,
    notify: async (event) => {
      events.push(event);
    },
    warn: (_message, detail) => warnings.push(detail),
  };
});

afterEach(() => zones.stop());

const rowsAt = async (key: string) =>
  readParquetRows((await zones.processed.get(key))?.body ?? Buffer.alloc(0));
const metadataAt = async (key: string) => (await zones.processed.head(key))?.metadata;

describe('transformObject', () => {
  it("puts a fact's rows and the dates that they name, with the version of their extract", async () => {
    const key = ingestedKey('payment', '0001');
    await ingest(zones, key, [paymentLine(1), paymentLine(2, { payment_date: '2022-11-05' })]);
    const result = await transformObject(key, deps);
    expect(result.tables).toEqual([
      { table: 'fact_payment', key: factKey, rows: 2, quarantined: 0, outcome: 'created' },
    ]);
    expect(await listKeys(zones.processed)).toEqual([dateKey, factKey]);
    expect((await rowsAt(factKey)).map(({ payment_id }) => payment_id)).toEqual([1, 2]);
    expect((await rowsAt(dateKey)).map(({ date_id }) => date_id)).toEqual([
      '2022-11-03',
      '2022-11-04',
      '2022-11-05',
    ]);
    expect(await metadataAt(factKey)).toEqual({ version: '3:1042:1040:-2', rows: '2', quarantined: '0' });
    expect(await metadataAt(dateKey)).toEqual({ version: '3:1042:1040:-2', rows: '3', quarantined: '0' });
    expect(events).toEqual([]);
  });

  it('puts bad rows aside and lands their neighbours', async () => {
    const key = ingestedKey('payment', '0001');
    const bad = paymentLine(2, { payment_date: '2023-02-30' });
    await ingest(zones, key, [paymentLine(1), bad, paymentLine(3)]);
    await transformObject(key, deps);
    expect((await rowsAt(factKey)).map(({ payment_id }) => payment_id)).toEqual([1, 3]);
    expect(await metadataAt(factKey)).toMatchObject({ rows: '2', quarantined: '1' });
    const file = Buffer.from((await zones.processed.get(quarantineKey))?.body ?? []).toString();
    expect(file.endsWith('}\n')).toBe(true);
    expect(JSON.parse(file)).toEqual({
      line: 2,
      key: 2,
      column: 'payment_date',
      reason: 'is no date of the form YYYY-MM-DD',
      row: bad,
    });
    expect(events).toEqual([
      { type: 'Rows Quarantined', detail: { table: 'fact_payment', key: quarantineKey, rows: 1 } },
    ]);
  });

  it("puts the table's object last, so that it is never there without the rest", async () => {
    const key = ingestedKey('payment', '0001');
    await ingest(zones, key, [paymentLine(1), 'no row']);
    const order: string[] = [];
    const processed: TransformDeps['processed'] = {
      list: (prefix) => zones.processed.list(prefix),
      create: (name, body, metadata) => {
        order.push(name);
        return zones.processed.create(name, body, metadata);
      },
    };
    const notify = async ({ type }: PipelineEvent) => {
      order.push(type);
    };
    await transformObject(key, { ...deps, processed, notify });
    expect(order).toEqual([quarantineKey, 'Rows Quarantined', dateKey, factKey]);
  });

  it('changes nothing when it is done again', async () => {
    const key = ingestedKey('payment', '0001');
    await ingest(zones, key, [paymentLine(1)]);
    await transformObject(key, deps);
    const before = await zones.processed.get(factKey);
    expect((await transformObject(key, deps)).tables).toMatchObject([
      { key: factKey, outcome: 'already there' },
    ]);
    expect(await zones.processed.get(factKey)).toEqual(before);
    expect(await listKeys(zones.processed)).toEqual([dateKey, factKey]);
  });

  it('writes the next free revision of a replay, with all that belongs to it', async () => {
    const key = ingestedKey('payment', '0001');
    await ingest(zones, key, [paymentLine(1), 'no row']);
    await transformObject(key, deps);
    await zones.processed.create(`fact_payment/${path}-0001-r9.parquet`, Buffer.from('an earlier replay'));
    const replays = [deps, deps].map((each) => transformObject(key, each, { replay: 'r-1' }));
    const revisions = (await Promise.all(replays)).map(({ tables }) => tables[0]?.key).sort();
    expect(revisions).toEqual([
      `fact_payment/${path}-0001-r10.parquet`,
      `fact_payment/${path}-0001-r11.parquet`,
    ]);
    expect(await listKeys(zones.processed)).toEqual(
      expect.arrayContaining([
        `dim_date/${path}-0001-r11.parquet`,
        `quarantine/fact_payment/${path}-0001-r11.ndjson`,
      ]),
    );
    expect(await rowsAt(`fact_payment/${path}-0001-r11.parquet`)).toEqual(await rowsAt(factKey));
  });

  it('makes an object of no rows of an object of no rows', async () => {
    const key = ingestedKey('payment', '0001');
    await ingest(zones, key, []);
    expect((await transformObject(key, deps)).tables).toMatchObject([{ rows: 0, outcome: 'created' }]);
    expect(await rowsAt(factKey)).toEqual([]);
    expect(await rowsAt(dateKey)).toEqual([]);
    expect(await metadataAt(factKey)).toMatchObject({ rows: '0', quarantined: '0' });
  });

  it('is done at once with a source that ends in the ingested zone', async () => {
    const result = await transformObject(ingestedKey('department', '0001'), deps);
    expect(result.tables).toEqual([]);
    expect(await listKeys(zones.processed)).toEqual([]);
  });

  it('gives a dimension no dates, and warns once of a currency that ISO 4217 does not list', async () => {
    const key = ingestedKey('currency', '0002');
    const line = (id: number, code: string) =>
      `{"currency_id":${id},"currency_code":"${code}","created_at":"2022-11-03T14:20:52","last_updated":"2022-11-03T14:20:52"}`;
    const ingestedText = await ingest(zones, key, [line(1, 'ZZZ'), line(2, 'EUR'), line(3, 'ZZZ')]);
    await transformObject(key, deps);
    const processedKey = `dim_currency/${path}-0002-r0.parquet`;
    expect(await listKeys(zones.processed)).toEqual([processedKey]);
    expect((await rowsAt(processedKey)).map(({ currency_name }) => currency_name)).toEqual([
      'ZZZ',
      'Euro',
      'ZZZ',
    ]);
    expect(warnings).toEqual([{ key: ingestedText, codes: ['ZZZ'] }]);
  });
});

describe('an object that cannot be transformed', () => {
  const key = ingestedKey('payment', '0001');
  const text = `payment/${path}-0001.ndjson.zst`;
  const metadata = { version: '3:1042:1040:-2', rows: '2' };

  const putBroken = async (body: (whole: Buffer) => Buffer, given: Record<string, string> = metadata) => {
    const whole = ingestedKey('payment', '0777');
    const wholeText = await ingest(zones, whole, [paymentLine(1), paymentLine(2)]);
    const stored = await zones.ingested.get(wholeText);
    await zones.ingested.create(text, body(Buffer.from(stored?.body ?? [])), given);
  };

  it.each<[string, (whole: Buffer) => Buffer, Record<string, string>, string]>([
    ['is empty', () => Buffer.alloc(0), metadata, 'is empty'],
    ['is no zstd', () => Buffer.from('{"payment_id":1}\n'), metadata, 'cannot be decompressed'],
    ['is cut short', (whole) => whole.subarray(0, -2), metadata, 'cannot be decompressed'],
    ['has fewer rows than were extracted', (whole) => whole, { ...metadata, rows: '3' }, 'has 2 rows'],
    ['has no version', (whole) => whole, { rows: '2' }, 'not an object version'],
    ['has no row count', (whole) => whole, { version: '3:1042:1040:-2' }, 'no valid rows'],
  ])('because it %s is terminal, and nothing is put', async (_what, body, given, message) => {
    await putBroken(body, given);
    await expect(transformObject(key, deps)).rejects.toThrow(message);
    await expect(transformObject(key, deps)).rejects.toBeInstanceOf(TerminalError);
    expect(await listKeys(zones.processed)).toEqual([]);
  });

  it('because it is not there is terminal, and named by its key', async () => {
    await expect(transformObject(key, deps)).rejects.toMatchObject({
      name: 'TerminalError',
      message: 'the ingested object is not there',
      table: 'payment',
      key: text,
    });
  });

  it('because the model has no such table is terminal', async () => {
    await expect(transformObject(ingestedKey('refund', '0001'), deps)).rejects.toThrow(
      'no source table refund',
    );
  });

  it('leaves parquet-wasm fit for the next one', async () => {
    await putBroken((whole) => whole.subarray(0, -2));
    await expect(transformObject(key, deps)).rejects.toBeInstanceOf(TerminalError);
    const next = ingestedKey('payment', '0777');
    expect((await transformObject(next, deps)).tables).toMatchObject([{ rows: 2, outcome: 'created' }]);
  });
});
