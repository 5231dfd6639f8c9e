import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { setTimeout as delay } from 'node:timers/promises';
import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
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

describe('an object in the embedded cloud', () => {
  it('comes back byte by byte with its metadata and checksum', async () => {
    const body = randomBytes(8 * 1024 * 1024);
    await put('big', body, { Metadata: { version: '1,2,3', run: 'r-1' }, ContentType: 'application/zstd' });
    const { Body, Metadata, ContentType, ChecksumCRC32 } = await under.s3.send(
      new GetObjectCommand({ Bucket, Key: 'big' }),
    );
    expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
    expect(Metadata).toEqual({ version: '1,2,3', run: 'r-1' });
    expect(ContentType).toBe('application/zstd');
    expect(ChecksumCRC32).toMatch(/^[\w+/]{6}==$/);
  });

  it('comes back byte by byte to those who read it slowly, all at once', async () => {
    const body = randomBytes(8 * 1024 * 1024);
    await put('slow', body);
    const readSlowly = async () => {
      const { Body } = await under.s3.send(new GetObjectCommand({ Bucket, Key: 'slow' }));
      const chunks: Buffer[] = [];
      for await (const chunk of Body as unknown as AsyncIterable<Buffer>) {
        chunks.push(chunk);
        await delay(1);
      }
      return Buffer.concat(chunks).equals(body);
    };
    expect(await Promise.all([readSlowly(), readSlowly(), readSlowly()])).toEqual([true, true, true]);
  });

  it('comes back with more metadata than the first block of its file holds', async () => {
    const Metadata = { note: 'long '.repeat(1200) };
    await put('annotated', 'abc', { Metadata });
    expect((await get('annotated')).toString()).toBe('abc');
  });

  it('comes back when it was sent as a stream, with a trailing checksum', async () => {
    const path = join(under.dataDir, 'stream.bin');
    const body = randomBytes(300_000);
    fs.writeFileSync(path, body);
    await under.s3.send(
      new PutObjectCommand({
        Bucket,
        Key: 'stream',
        Body: fs.createReadStream(path),
        ContentLength: body.length,
      }),
    );
    expect((await get('stream')).equals(body)).toBe(true);
  });

  it('may be empty', async () => {
    await put('empty', Buffer.alloc(0));
    expect(await get('empty')).toHaveLength(0);
  });

  it('is described without its body', async () => {
    await put('described', 'abc', { Metadata: { a: 'b' } });
    const head = await under.s3.send(new HeadObjectCommand({ Bucket, Key: 'described' }));
    // The md5 of 'abc' as RFC 1321 prints it.
    expect(head).toMatchObject({
      ContentLength: 3,
      ETag: '"900150983cd24fb0d6963f7d28e17f72"',
      Metadata: { a: 'b' },
    });
  });

  it('has an ETag of its own for each put where it is large, which no client takes for an MD5', async () => {
    const body = randomBytes(100_000);
    const etags = [await put('large', body), await put('large', body)].map(({ ETag }) => ETag);
    expect(etags).toEqual([expect.stringMatching(/^"[0-9a-f]{32}-1"$/), expect.any(String)]);
    expect(etags[0]).not.toBe(etags[1]);
    const replace = (IfMatch: string | undefined) => statusOf(put('large', 'x', { IfMatch }));
    expect(await replace(etags[0])).toBe('412 PreconditionFailed');
    expect(await replace(etags[1])).toBe(200);
  });

  it('is gone after a delete, and deleting it again is no error', async () => {
    await put('short-lived', 'x');
    await under.s3.send(new DeleteObjectCommand({ Bucket, Key: 'short-lived' }));
    await under.s3.send(new DeleteObjectCommand({ Bucket, Key: 'short-lived' }));
    expect(await statusOf(get('short-lived'))).toBe('404 NoSuchKey');
    expect(await statusOf(under.s3.send(new HeadObjectCommand({ Bucket, Key: 'short-lived' })))).toBe(
      '404 NotFound',
    );
  });

  it('can be copied', async () => {
    await put('original', 'copied', { Metadata: { a: 'b' } });
    await under.s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/original` }));
    expect((await get('copy')).toString()).toBe('copied');
  });

  it.each([
    ['leads outwards', '../../outside'],
    ['begins with a slash', '/leading'],
    ['has an empty part', 'a//b'],
    ['has signs of URLs and XML', 'with space+plus&amp%25?x=#y'],
    ['is not ASCII', 'ünï/😀/テスト'],
    ['is upper case', 'A'],
    ['is the same in lower case', 'a'],
    ['is longer than a file name may be', `${'deep/'.repeat(200)}end`],
  ])('stays inside the data folder when its key %s', async (_what, key) => {
    await put(key, key);
    expect((await get(key)).toString()).toBe(key);
    expect(fs.existsSync(join(dirname(under.dataDir), 'outside'))).toBe(false);
    const visible = fs.readdirSync(join(under.dataDir, 'zones')).filter((name) => !name.startsWith('.'));
    expect(visible).toEqual([Bucket]);
  });

  it('may be larger than what fauxqs takes by itself', async () => {
    const large = randomBytes(12 * 1024 * 1024);
    await put('large', large);
    expect((await get('large')).equals(large)).toBe(true);
  });

  describe('in a bucket of 11 MiB a put', () => {
    let small: CloudUnderTest;
    beforeAll(async () => {
      small = await openCloud({ buckets: [Bucket], maxPutBytes: 11 * 1024 * 1024 });
    });
    afterAll(async () => {
      await small[Symbol.asyncDispose]();
    });

    it('is refused above it, with the reason', async () => {
      const huge = new PutObjectCommand({ Bucket, Key: 'huge', Body: Buffer.alloc(12 * 1024 * 1024) });
      expect(await statusOf(small.s3.send(huge))).toBe('400 EntityTooLarge');
    });

    it('is refused above it where its length was not said before', async () => {
      const answer = await fetch(`${small.cloud.endpoint}/${Bucket}/endless`, {
        method: 'PUT',
        body: Readable.toWeb(Readable.from(Array(12).fill(Buffer.alloc(1024 * 1024)))) as ReadableStream,
        duplex: 'half',
      } as RequestInit);
      expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('EntityTooLarge')]);
      const endless = new GetObjectCommand({ Bucket, Key: 'endless' });
      expect(await statusOf(small.s3.send(endless))).toBe('404 NoSuchKey');
    });
  });

  it('is not there where its client has died half-way', async () => {
    const { hostname, port } = new URL(under.cloud.endpoint);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write(`PUT /${Bucket}/half HTTP/1.1\r\nhost: ${hostname}\r\ncontent-length: 100\r\n\r\nhalf`);
    await delay(50);
    socket.destroy();
    await once(socket, 'close');
    await put('after', 'x');
    expect(await statusOf(get('half'))).toBe('404 NoSuchKey');
  });

  it('is refused in parts, with the reason', async () => {
    const upload = under.s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }));
    expect(await statusOf(upload)).toBe('501 NotImplemented');
  });

  it('is refused in a bucket that is not there', async () => {
    const outside = under.s3.send(new PutObjectCommand({ Bucket: 'nowhere', Key: 'k', Body: 'x' }));
    expect(await statusOf(outside)).toBe('404 NoSuchBucket');
  });
});
