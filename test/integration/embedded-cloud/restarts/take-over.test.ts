import * as fs from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { takeOverObjects } from '../../../../cli/embedded/cloud/files/older-release.ts';
import { PlainFiles } from '../../../../cli/embedded/cloud/files/plain-files.ts';
import { makeFolder, openCloud, receive, removeFolders } from '../cloud-under-test.ts';
import { killBetweenAnyTwo } from './dying-files.ts';

const key = 'sales_order/2026/11/30/20261130T120000000Z1a2b-0001.ndjson.zst';

/** A file as release 0.1 wrote it: its name began with a hash of the key, and a header stood in front of the body. */
function writeOlderObject(dataDir: string, bucket: string, name: string, text: string): string {
  const header = Buffer.from(
    JSON.stringify({
      key: name,
      contentLength: Buffer.byteLength(text),
      etag: '"900150983cd24fb0d6963f7d28e17f72"',
      lastModified: '2026-11-27T23:16:48.000Z',
      contentType: 'application/zstd',
      metadata: { rows: '1', version: '1:2:3:4' },
    }),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const folder = join(dataDir, 'objects', bucket);
  fs.mkdirSync(folder, { recursive: true });
  const path = join(folder, `0123456789abcdef.${name.replaceAll(/[^\w.-]/g, '_')}`);
  fs.writeFileSync(path, Buffer.concat([Buffer.from('STARLIFT-OBJECT1'), length, header, Buffer.from(text)]));
  return path;
}

/** What an older release did with the queues' database at each start, before it served anything. */
function startOlderRelease(dataDir: string, queue: string): void {
  const sql = new DatabaseSync(join(dataDir, 'fauxqs.db'));
  try {
    sql.exec(`
      create table if not exists cloud_owed_events (bucket text, key text, primary key (bucket, key));
      create table if not exists cloud_notifications (
        bucket text, suffix text, queue text, primary key (bucket, suffix, queue)
      )`);
    sql.prepare('insert or ignore into cloud_notifications values (?, ?, ?)').run('zone', '.parquet', queue);
  } finally {
    sql.close();
  }
}

const options = {
  buckets: ['zone'],
  queues: [{ name: 'load', visibilitySeconds: 600, maxReceiveCount: 2 }],
  notifications: [{ bucket: 'zone', suffix: '.parquet', queue: 'load' }],
};
let dataDir: string;
afterAll(removeFolders);
beforeEach(() => {
  dataDir = makeFolder();
});

describe('the data folder of an older release', () => {
  it('is taken over with all that is known of each object', async () => {
    writeOlderObject(dataDir, 'zone', key, 'abc');
    fs.writeFileSync(join(dataDir, 'objects', 'zone', 'temporary-1'), 'half');
    await using under = await openCloud({ ...options, dataDir });
    const object = await under.s3.send(new GetObjectCommand({ Bucket: 'zone', Key: key }));
    expect(object).toMatchObject({
      ETag: '"900150983cd24fb0d6963f7d28e17f72"',
      LastModified: new Date('2026-11-27T23:16:48Z'),
      ContentType: 'application/zstd',
      ContentLength: 3,
      Metadata: { rows: '1', version: '1:2:3:4' },
    });
    expect(await object.Body?.transformToString()).toBe('abc');
    expect(fs.readFileSync(join(dataDir, 'zones', 'zone', key), 'utf8')).toBe('abc');
    expect(fs.existsSync(join(dataDir, 'objects'))).toBe(false);
  });

  it('is taken over into folders with the names of the zones', async () => {
    writeOlderObject(dataDir, 'zone', key, 'abc');
    const zones = { zone: 'ingested' };
    for (const start of ['first', 'second']) {
      await using under = await openCloud({ ...options, zones, dataDir });
      const { Contents } = await under.s3.send(new ListObjectsV2Command({ Bucket: 'zone' }));
      expect({ start, keys: Contents?.map(({ Key }) => Key) }).toEqual({ start, keys: [key] });
    }
    expect(fs.readFileSync(join(dataDir, 'zones', 'ingested', key), 'utf8')).toBe('abc');
    expect(fs.readdirSync(join(dataDir, 'zones')).toSorted()).toEqual([
      '.metadata',
      '.unfinished',
      'ingested',
    ]);
  });

  it('gets no second test event', async () => {
    fs.mkdirSync(join(dataDir, 'objects', 'zone'), { recursive: true });
    await (await openCloud({ ...options, notifications: [], dataDir }))[Symbol.asyncDispose]();
    const sql = new DatabaseSync(join(dataDir, 'fauxqs.db'));
    sql.exec(`
      drop trigger cloud_refuses_older_releases;
      insert into cloud_notifications values ('zone', '.parquet', 'load');
      drop table cloud_announced`);
    sql.close();
    await using under = await openCloud({ ...options, dataDir });
    expect(await receive(under, 'load')).toEqual([]);
  });

  it('is taken over as a whole however often it is killed between any two calls', () => {
    const zones = join(dataDir, 'zones');
    const expected = { [key]: 'abc', 'state/capture.json': '{"generation":"12"}', odd: 'no path' };
    killBetweenAnyTwo(
      (calls) => {
        fs.rmSync(dataDir, { recursive: true });
        for (const [name, text] of Object.entries(expected)) writeOlderObject(dataDir, 'zone', name, text);
        takeOverObjects(join(dataDir, 'objects'), new PlainFiles(zones, {}, calls), calls);
      },
      () => {
        const files = new PlainFiles(zones);
        files.makeBucket('zone');
        takeOverObjects(join(dataDir, 'objects'), files);
        const texts = files.load('zone').map(({ key }) => [key, files.read('zone', key).toString()]);
        expect(Object.fromEntries(texts)).toEqual(expected);
        expect(fs.readdirSync(dataDir)).toEqual(['zones']);
        expect(fs.readdirSync(join(zones, '.unfinished', 'zone'))).toEqual([]);
      },
    );
  });

  it.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['empty', () => Buffer.alloc(0)],
    ['something else', () => Buffer.from('a text of somebody, long enough')],
  ])('stops the start at an object that is %s, and names it', async (_what, damage) => {
    const path = writeOlderObject(dataDir, 'zone', key, 'abc');
    fs.writeFileSync(path, damage(fs.readFileSync(path)));
    await expect(openCloud({ ...options, dataDir })).rejects.toThrow(`${path} is not a whole object`);
    fs.rmSync(path);
    await using under = await openCloud({ ...options, dataDir });
    expect((await under.s3.send(new ListObjectsV2Command({ Bucket: 'zone' }))).KeyCount).toBe(0);
  });
});

describe('an older release', () => {
  const sentence =
    'this data folder belongs to a newer release of Starlift, which keeps its objects as plain files in zones/: use that release';

  it.each([
    ['that has been here before', 'load'],
    ['that has not', 'another'],
  ])('%s refuses the data folder of this one with a sentence', async (_what, queue) => {
    startOlderRelease(dataDir, 'load');
    const under = await openCloud({ ...options, dataDir });
    await under.s3.send(new PutObjectCommand({ Bucket: 'zone', Key: 'a.parquet', Body: 'x' }));
    await under[Symbol.asyncDispose]();
    expect(() => startOlderRelease(dataDir, queue)).toThrow(sentence);
    await (await openCloud({ ...options, dataDir }))[Symbol.asyncDispose]();
  });

  it('refuses it from before the first object moves', async () => {
    const path = writeOlderObject(dataDir, 'zone', key, 'abc');
    fs.writeFileSync(path, 'damaged');
    await expect(openCloud({ ...options, dataDir })).rejects.toThrow('is not a whole object');
    expect(() => startOlderRelease(dataDir, 'load')).toThrow(sentence);
  });
});
