import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CloudUnderTest, openBucket, openCloud, removeFolders, statusOf } from './cloud-under-test.ts';

const Bucket = 'ingested';
let under: CloudUnderTest;
let put: ReturnType<typeof openBucket>['put'];
let get: ReturnType<typeof openBucket>['get'];
beforeAll(async () => {
  under = await openCloud({ buckets: [Bucket] });
  ({ put, get } = openBucket(under, Bucket));
});
afterAll(async () => {
  await under[Symbol.asyncDispose]();
  removeFolders();
});

describe('a conditional put', () => {
  it('lets exactly one of 20 racing writers create an object', async () => {
    const bodies = Array.from({ length: 20 }, (_, i) => `writer ${i}`);
    const results = await Promise.all(
      bodies.map((body) => statusOf(put('race', body, { IfNoneMatch: '*' }))),
    );
    expect(results.filter((result) => result === 200)).toHaveLength(1);
    expect(results.filter((result) => result === '412 PreconditionFailed')).toHaveLength(19);
    expect((await get('race')).toString()).toBe(bodies[results.indexOf(200)]);
  });

  it('lets exactly one of 20 racing writers replace a version', async () => {
    const { ETag } = await put('state', 'first');
    const bodies = Array.from({ length: 20 }, (_, i) => `second by ${i}`);
    const results = await Promise.all(bodies.map((body) => statusOf(put('state', body, { IfMatch: ETag }))));
    expect(results.filter((result) => result === 200)).toHaveLength(1);
    expect((await get('state')).toString()).toBe(bodies[results.indexOf(200)]);
  });

  it('creates again what was deleted', async () => {
    await put('again', '1', { IfNoneMatch: '*' });
    await under.s3.send(new DeleteObjectCommand({ Bucket, Key: 'again' }));
    expect(await statusOf(put('again', '2', { IfNoneMatch: '*' }))).toBe(200);
  });

  it('finds no object to match', async () => {
    expect(await statusOf(put('missing', 'x', { IfMatch: '"0"' }))).toBe('404 NoSuchKey');
  });

  it('takes no other value of If-None-Match than a star', async () => {
    expect(await statusOf(put('etag', 'x', { IfNoneMatch: '"0"' }))).toBe('501 NotImplemented');
  });
});
