import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import {
  CreateBucketCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { cleanIngested } from '../../cli/forget/clean-ingested.ts';
import { rowsToForget } from '../../cli/forget/forgotten-row.ts';
import { makeObjectStore } from '../../shared/object-store/object-store.ts';
import { makeOldVersions } from '../../shared/object-store/old-versions.ts';
import type { StartedService } from '../contract/describe-contract.ts';
import { totesys } from '../helpers/models/totesys.ts';
import { startMiniStackService } from './ministack-service.ts';

jest.setTimeout(180_000);

describe('a bucket that keeps old versions', () => {
  let started: StartedService;
  beforeAll(async () => {
    started = await startMiniStackService();
  });
  afterAll(() => started?.stop());

  it('has no version with a forgotten row, also of objects that were deleted, or replaced by an attempt that died', async () => {
    const { s3 } = started.service.clients;
    const Bucket = 'forgotten-versions';
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
    const store = makeObjectStore(s3, Bucket);
    const oldVersions = makeOldVersions(s3, Bucket);
    const keyOf = (slice: number) => `department/2026/11/30/20261130T120000000Zabcd-0000${slice}.ndjson.zst`;
    const put = (slice: number, ...ids: number[]) => {
      const text = ids.map((id) => `{"department_id":${id},"manager":"manager ${id}"}\n`).join('');
      const metadata = { version: '1:5:5:0', rows: String(ids.length) };
      return store.create(keyOf(slice), zstdCompressSync(Buffer.from(text)), metadata);
    };
    // Within the object; in a deleted one; behind one from which an attempt has taken it, and another row alone.
    await put(1, 1, 7, 2);
    await put(2, 7, 3);
    await store.delete(keyOf(2));
    await put(3, 7, 4);
    const replaced = await store.get(keyOf(3));
    const four = zstdCompressSync(Buffer.from('{"department_id":4,"manager":"manager 4"}\n'));
    await store.replace(keyOf(3), four, replaced?.etag, { version: '1:5:5:0', rows: '1' });
    await put(4, 5);
    await store.delete(keyOf(4));

    const source = totesys.source('department');
    const value = { text: '7', kind: 'number' } as const;
    const forgotten = rowsToForget(source, [{ field: 'department_id', value }], totesys);
    const context = {
      id: 'a'.repeat(64),
      version: { generation: '1', xmax: '9', xmin: '9', tie: '0' },
      searched: new Set<string>(),
    };
    expect(await cleanIngested({ store, oldVersions }, forgotten, context)).toEqual({
      objects: 1,
      rows: 1,
      oldVersions: 3,
    });
    const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
    const texts: string[] = [];
    for (const { Key: key = '', VersionId: versionId = '' } of Versions) {
      const body = (await oldVersions.get({ key, versionId }))?.body ?? Buffer.alloc(0);
      texts.push(zstdDecompressSync(body).toString());
    }
    expect(texts.filter((text) => text.includes('manager 7'))).toEqual([]);
    // What was deleted for another reason can still be put back.
    expect(texts.filter((text) => text.includes('manager 5'))).toHaveLength(1);
    expect(texts).toHaveLength(3);
  });
});
