import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type TransformDeps, transformObject } from '../../../services/transformation/transform/transform.ts';
import { TerminalError } from '../../../shared/errors.ts';
import { ingest, ingestedKey, listKeys, paymentLine } from '../../helpers/network/zones.ts';
import { openTransform, type TransformUnderTest } from './transform-under-test.ts';

describe('an object that cannot be transformed', () => {
  let transform: TransformUnderTest;
  let deps: TransformDeps;

  beforeEach(async () => {
    transform = await openTransform();
    ({ deps } = transform);
  });
  afterEach(() => transform.zones.stop());

  const key = ingestedKey('payment', '0001');
  const text = 'payment/2024/02/29/20240229T235959999Z00af-0001.ndjson.zst';
  const metadata = { version: '3:1042:1040:-2', rows: '2' };

  const putBroken = async (body: (whole: Buffer) => Buffer, given: Record<string, string> = metadata) => {
    const whole = ingestedKey('payment', '0777');
    const wholeText = await ingest(transform.zones, whole, [paymentLine(1), paymentLine(2)]);
    const stored = await transform.zones.ingested.get(wholeText);
    await transform.zones.ingested.create(text, body(Buffer.from(stored?.body ?? [])), given);
  };

  it.each<[string, (whole: Buffer) => Buffer, Record<string, string>, string]>([
    ['is empty', () => Buffer.alloc(0), metadata, 'is empty'],
    ['is no zstd', () => Buffer.from('{"payment_id":1}\n'), metadata, 'cannot be decompressed'],
    ['is cut short', (whole) => whole.subarray(0, -2), metadata, 'cannot be decompressed'],
    [
      'has fewer rows than were extracted',
      (whole) => whole,
      { ...metadata, rows: '3' },
      'number of rows is 2',
    ],
    ['has no version', (whole) => whole, { rows: '2' }, 'not an object version'],
    ['has no row count', (whole) => whole, { version: '3:1042:1040:-2' }, 'no valid rows'],
  ])('because it %s is terminal, and nothing is put', async (_what, body, given, message) => {
    await putBroken(body, given);
    await expect(transformObject(key, deps)).rejects.toThrow(message);
    await expect(transformObject(key, deps)).rejects.toBeInstanceOf(TerminalError);
    expect(await listKeys(transform.zones.processed)).toEqual([]);
  });

  it('because it is not there is terminal, and named by its key', async () => {
    await expect(transformObject(key, deps)).rejects.toMatchObject({
      name: 'LostObjectError',
      message: expect.stringMatching(
        /^the ingested object is not there\. .* starlift resync --table payment\./,
      ),
      table: 'payment',
      key: text,
    });
  });

  it('because the model has no such table says so, and puts nothing', async () => {
    const result = await transformObject(ingestedKey('refund', '0001'), deps);
    expect(result).toMatchObject({ isUnknown: true, tables: [] });
  });

  it('leaves parquet-wasm fit for the next one', async () => {
    await putBroken((whole) => whole.subarray(0, -2));
    await expect(transformObject(key, deps)).rejects.toBeInstanceOf(TerminalError);
    const next = ingestedKey('payment', '0777');
    expect((await transformObject(next, deps)).tables).toMatchObject([{ rows: 2, outcome: 'created' }]);
  });
});
