import { describe, expect, it } from '@jest/globals';
import { readSweptRuns } from '../../../services/ingestion/sweep/lost-slices.ts';
import { readLoaded } from '../../../shared/records/loaded.ts';
import { readCaptureState } from '../../../shared/records/plan/capture-state.ts';
import { listResyncRequests } from '../../../shared/records/plan/resync-request.ts';
import { readRunRecord } from '../../../shared/records/plan/run-record.ts';
import { readVerified, type Verified, writeVerified } from '../../../shared/records/verified.ts';

const run = '20240229T120000000Zabcd';

/** A bucket in which every object has this content. */
const bucketOf = (body: string) => ({
  get: async () => ({ body: Buffer.from(body), metadata: {}, etag: '' }),
  async *list() {
    yield { key: 'state/requests/1.json', size: body.length, lastModified: new Date(0) };
  },
});

const readers = [
  ['state/capture.json', readCaptureState],
  ['state/loaded.json', readLoaded],
  ['state/swept-runs.json', readSweptRuns],
  ['state/verified.json', readVerified],
  ['state/requests/1.json', listResyncRequests],
  [`state/runs/${run}.json`, (bucket: ReturnType<typeof bucketOf>) => readRunRecord(bucket, run)],
] as const;

describe.each(readers)('a damaged %s', (key, read) => {
  it.each(['', '{"version":1,', '[]', 'null', '{}'])('is one error that names it: %s', async (body) => {
    await expect(read(bucketOf(body))).rejects.toMatchObject({
      name: 'TerminalError',
      key,
      message: expect.stringContaining(key),
    });
  });
});

describe.each(readers.filter(([key]) => key !== 'state/capture.json'))(
  '%s of a newer release',
  (_key, read) => {
    it('is no damage: it is read once this service is upgraded, too', async () => {
      await expect(read(bucketOf('{"version":2}'))).rejects.toMatchObject({
        name: 'TransientError',
        message: expect.stringContaining('of version 2, and this one knows 1: deploy all services'),
      });
    });
  },
);

describe('the record of a run', () => {
  const whole = { run, plannedAt: '2024-02-29T12:00:00.000Z', slices: [], failures: [] };

  it('is read without its messages, which older versions did not write', async () => {
    expect(await readRunRecord(bucketOf(JSON.stringify(whole)), run)).toEqual(whole);
  });

  it.each(Object.keys(whole))('is refused without its %s', async (field) => {
    const body = JSON.stringify({ ...whole, [field]: undefined });
    await expect(readRunRecord(bucketOf(body), run)).rejects.toThrow('is not the record of a run');
  });
});

describe('the record of the last verification', () => {
  const verified: Verified = {
    at: '2024-02-29T12:00:00.000Z',
    exact: false,
    tables: [
      { table: 'dim_staff', asOf: '2024-02-29T11:59:58.500Z', rows: 20, result: 'exact' },
      { table: 'fact_payment', asOf: null, rows: 0, result: 'uncompared' },
    ],
  };

  it('is read as it was written', async () => {
    let written = '';
    const put = async (_: string, body: Uint8Array) => {
      written = Buffer.from(body).toString();
    };
    await writeVerified({ put }, verified);
    expect(JSON.parse(written)).toEqual({ version: 1, ...verified });
    expect(await readVerified(bucketOf(written))).toEqual(verified);
  });

  it.each([
    ['a result that there is not', { result: 'fine' }],
    ['a time that is none', { asOf: 'yesterday' }],
    ['rows that are no number', { rows: '20' }],
    ['a table without a name', { table: undefined }],
  ])('is refused with %s', async (_, change) => {
    const tables = verified.tables.map((table) => ({ ...table, ...change }));
    const body = JSON.stringify({ version: 1, ...verified, tables });
    await expect(readVerified(bucketOf(body))).rejects.toThrow('state/verified.json');
  });
});
