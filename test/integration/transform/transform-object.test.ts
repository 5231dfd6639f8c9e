import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type TransformDeps, transformObject } from '../../../services/transformation/transform/transform.ts';
import type { PipelineEvent } from '../../../shared/events.ts';
import { ingest, ingestedKey, listKeys, paymentLine } from '../../helpers/network/zones.ts';
import { readParquetRows } from '../../helpers/rows/parquet-rows.ts';
import { openTransform, type TransformUnderTest } from './transform-under-test.ts';

const path = '2024/02/29/20240229T235959999Z00af';
const factKey = `fact_payment/${path}-0001-r0.parquet`;
const dateKey = `dim_date/${path}-0001-r0.parquet`;
const quarantineKey = `quarantine/fact_payment/${path}-0001-r0.ndjson`;

let transform: TransformUnderTest;
let deps: TransformDeps;

beforeEach(async () => {
  transform = await openTransform();
  ({ deps } = transform);
});

afterEach(() => transform.zones.stop());

const rowsAt = async (key: string) =>
  readParquetRows((await transform.zones.processed.get(key))?.body ?? Buffer.alloc(0));
const metadataAt = async (key: string) => (await transform.zones.processed.head(key))?.metadata;

describe('transformObject', () => {
  it("puts a fact's rows and the dates that they name, with the version of their extract", async () => {
    const key = ingestedKey('payment', '0001');
    await ingest(transform.zones, key, [paymentLine(1), paymentLine(2, { payment_date: '2022-11-05' })]);
    const result = await transformObject(key, deps);
    expect(result.tables).toEqual([
      { table: 'fact_payment', key: factKey, rows: 2, quarantined: 0, outcome: 'created' },
    ]);
    expect(await listKeys(transform.zones.processed)).toEqual([dateKey, factKey]);
    expect((await rowsAt(factKey)).map(({ payment_id }) => payment_id)).toEqual([1, 2]);
    expect((await rowsAt(dateKey)).map(({ date_id }) => date_id)).toEqual([
      '2022-11-03',
      '2022-11-04',
      '2022-11-05',
    ]);
    expect(await metadataAt(factKey)).toEqual({ version: '3:1042:1040:-2', rows: '2', quarantined: '0' });
    expect(await metadataAt(dateKey)).toEqual({ version: '3:1042:1040:-2', rows: '3', quarantined: '0' });
    expect(transform.events).toEqual([]);
  });

  it('puts bad rows aside and lands their neighbours', async () => {
    const key = ingestedKey('payment', '0001');
    const bad = paymentLine(2, { payment_date: '2023-02-30' });
    await ingest(transform.zones, key, [paymentLine(1), bad, paymentLine(3)]);
    await transformObject(key, deps);
    expect((await rowsAt(factKey)).map(({ payment_id }) => payment_id)).toEqual([1, 3]);
    expect(await metadataAt(factKey)).toMatchObject({ rows: '2', quarantined: '1' });
    const file = Buffer.from((await transform.zones.processed.get(quarantineKey))?.body ?? []).toString();
    expect(file.endsWith('}\n')).toBe(true);
    expect(JSON.parse(file)).toEqual({
      line: 2,
      key: 2,
      column: 'payment_date',
      reason: 'is not a date (expected YYYY-MM-DD)',
      row: bad,
    });
    expect(transform.events).toEqual([
      { type: 'Rows Quarantined', detail: { table: 'fact_payment', key: quarantineKey, rows: 1 } },
    ]);
  });

  it("puts the table's object last, so that it is never there without the rest", async () => {
    const key = ingestedKey('payment', '0001');
    await ingest(transform.zones, key, [paymentLine(1), 'no row']);
    const order: string[] = [];
    const processed: TransformDeps['processed'] = {
      list: (prefix) => transform.zones.processed.list(prefix),
      create: (name, body, metadata) => {
        order.push(name);
        return transform.zones.processed.create(name, body, metadata);
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
    await ingest(transform.zones, key, [paymentLine(1)]);
    await transformObject(key, deps);
    const before = await transform.zones.processed.get(factKey);
    expect((await transformObject(key, deps)).tables).toMatchObject([
      { key: factKey, outcome: 'already there' },
    ]);
    expect(await transform.zones.processed.get(factKey)).toEqual(before);
    expect(await listKeys(transform.zones.processed)).toEqual([dateKey, factKey]);
  });

  it('writes no lower revision than the one that is asked for, and leaves that one as it is', async () => {
    const key = ingestedKey('payment', '0001');
    await ingest(transform.zones, key, [paymentLine(1)]);
    const revision = async (options: { replay?: string; leastRevision: number }) => {
      const [table] = (await transformObject(key, deps, options)).tables;
      return [/-r(\d+)\.parquet$/.exec(table?.key ?? '')?.[1], table?.outcome];
    };
    expect(await revision({ leastRevision: 2 })).toEqual(['2', 'created']);
    expect(await revision({ leastRevision: 2 })).toEqual(['2', 'already there']);
    expect(await listKeys(transform.zones.processed)).toEqual([
      `dim_date/${path}-0001-r2.parquet`,
      `fact_payment/${path}-0001-r2.parquet`,
    ]);
    expect(await revision({ leastRevision: 2, replay: 'r' })).toEqual(['3', 'created']);
    expect(await revision({ leastRevision: 9, replay: 'r' })).toEqual(['9', 'created']);
    expect(await revision({ leastRevision: 0, replay: 'r' })).toEqual(['10', 'created']);
  });

  it('counts the dates of a fact whose own object is lost when it looks for the next revision', async () => {
    const key = ingestedKey('payment', '0001');
    await ingest(transform.zones, key, [paymentLine(1)]);
    await transformObject(key, deps);
    await transformObject(key, deps, { replay: 'r' });
    for (const revision of [0, 1])
      await transform.zones.processed.delete(`fact_payment/${path}-0001-r${revision}.parquet`);
    await transformObject(key, deps, { replay: 'r' });
    expect(await listKeys(transform.zones.processed)).toEqual([
      ...[0, 1, 2].map((revision) => `dim_date/${path}-0001-r${revision}.parquet`),
      `fact_payment/${path}-0001-r2.parquet`,
    ]);
  });

  it('writes the next free revision of a replay, with all that belongs to it', async () => {
    const key = ingestedKey('payment', '0001');
    await ingest(transform.zones, key, [paymentLine(1), 'no row']);
    await transformObject(key, deps);
    await transform.zones.processed.create(
      `fact_payment/${path}-0001-r9.parquet`,
      Buffer.from('an earlier replay'),
    );
    const replays = [deps, deps].map((each) => transformObject(key, each, { replay: 'r-1' }));
    const revisions = (await Promise.all(replays)).map(({ tables }) => tables[0]?.key).sort();
    expect(revisions).toEqual([
      `fact_payment/${path}-0001-r10.parquet`,
      `fact_payment/${path}-0001-r11.parquet`,
    ]);
    expect(await listKeys(transform.zones.processed)).toEqual(
      expect.arrayContaining([
        `dim_date/${path}-0001-r11.parquet`,
        `quarantine/fact_payment/${path}-0001-r11.ndjson`,
      ]),
    );
    expect(await rowsAt(`fact_payment/${path}-0001-r11.parquet`)).toEqual(await rowsAt(factKey));
  });

  it('makes an object of no rows of an object of no rows', async () => {
    const key = ingestedKey('payment', '0001');
    await ingest(transform.zones, key, []);
    expect((await transformObject(key, deps)).tables).toMatchObject([{ rows: 0, outcome: 'created' }]);
    expect(await rowsAt(factKey)).toEqual([]);
    expect(await rowsAt(dateKey)).toEqual([]);
    expect(await metadataAt(factKey)).toMatchObject({ rows: '0', quarantined: '0' });
  });

  it('is done at once with a source that ends in the ingested zone', async () => {
    const result = await transformObject(ingestedKey('department', '0001'), deps);
    expect(result.tables).toEqual([]);
    expect(await listKeys(transform.zones.processed)).toEqual([]);
  });

  it('gives a dimension no dates, and warns once of a currency that ISO 4217 does not list', async () => {
    const key = ingestedKey('currency', '0002');
    const line = (id: number, code: string) =>
      `{"currency_id":${id},"currency_code":"${code}","created_at":"2022-11-03T14:20:52","last_updated":"2022-11-03T14:20:52"}`;
    const ingestedText = await ingest(transform.zones, key, [line(1, 'ZZZ'), line(2, 'EUR'), line(3, 'ZZZ')]);
    await transformObject(key, deps);
    const processedKey = `dim_currency/${path}-0002-r0.parquet`;
    expect(await listKeys(transform.zones.processed)).toEqual([processedKey]);
    expect((await rowsAt(processedKey)).map(({ currency_name }) => currency_name)).toEqual([
      'ZZZ',
      'Euro',
      'ZZZ',
    ]);
    expect(transform.warnings).toEqual([{ key: ingestedText, lookup: 'currencies', texts: ['ZZZ'] }]);
  });
});
